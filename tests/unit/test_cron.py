"""Cron expressions mean what Debian's cron makes of them, also on the days when clocks change."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import example, given
from hypothesis import strategies as st

from core import cron
from tests.unit import cron_cases

EXPRESSIONS_PER_ZONE = 250  # in twelve zones: 3,000
TICK = timedelta(microseconds=1)

# cronsim follows a passing clock (`*` in minute or hour) by hours of elapsed time and by whole dates.
# So it goes wrong where the change is half an hour or midnight is in the gap: docs/decisions/0002-cron.md.
CRONSIM_LOSES_ITS_WAY = {
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Beirut",
    "Atlantic/Azores",
    "America/Havana",
}


def walk(expression: str, after: str, zone: str, count: int) -> list[str]:
    """The next occurrences as local times, `after` being local too (its first pass, where it comes twice)."""
    place = ZoneInfo(zone)
    at = datetime.fromisoformat(after)
    return [
        instant.astimezone(place).strftime("%m-%d %H:%M %z")
        for instant in follow(expression, at.replace(tzinfo=at.tzinfo or place), place, count)
    ]


def follow(expression: str, after: datetime, zone: ZoneInfo, count: int) -> list[datetime]:
    found: list[datetime] = []
    at = parsed_next(expression, after, zone)
    while at is not None and len(found) < count:
        found.append(at)
        at = parsed_next(expression, at, zone)
    return found


def parsed_next(expression: str, after: datetime, zone: ZoneInfo) -> datetime | None:
    return cron.parse(expression).next_after(after, zone)


def next_in_utc(expression: str, after: str) -> str | None:
    found = parsed_next(expression, datetime.fromisoformat(after).replace(tzinfo=UTC), ZoneInfo("UTC"))
    return None if found is None else found.strftime("%Y-%m-%d %H:%M")


# --- What an expression means on a clock that never changes ----------------------------------------------


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        # 2026-03-01 is a Sunday
        ("* * * * *", "2026-03-01 12:03", "2026-03-01 12:04"),
        ("* * * * *", "2026-03-01 12:03:59.999999", "2026-03-01 12:04"),
        ("0 12 * * *", "2026-03-01 11:59:59.999999", "2026-03-01 12:00"),
        ("0 12 * * *", "2026-03-01 12:00", "2026-03-02 12:00"),
        ("*/15 * * * *", "2026-03-01 12:45", "2026-03-01 13:00"),
        ("10-50/20 9 * * *", "2026-03-01 09:10", "2026-03-01 09:30"),
        ("1,5,9 * * * *", "2026-03-01 12:05", "2026-03-01 12:09"),
        ("*/45 * * * *", "2026-03-01 12:45", "2026-03-01 13:00"),
        ("*/99 * * * *", "2026-03-01 12:45", "2026-03-01 13:00"),
        ("05 04 * * *", "2026-03-01 12:00", "2026-03-02 04:05"),
        ("\t0  9\t* * * ", "2026-03-01 12:00", "2026-03-02 09:00"),
        ("0 5-5 * * *", "2026-03-01 05:00", "2026-03-02 05:00"),
        ("5-5/15 * * * *", "2026-03-01 12:05", "2026-03-01 13:05"),
        ("0 0 * * 0", "2026-03-01 12:00", "2026-03-08 00:00"),
        ("0 0 * * 7", "2026-03-01 12:00", "2026-03-08 00:00"),
        ("0 0 * * sun", "2026-03-01 12:00", "2026-03-08 00:00"),
        ("0 0 * * SUN", "2026-03-01 12:00", "2026-03-08 00:00"),
        ("0 0 * * */7", "2026-03-01 12:00", "2026-03-08 00:00"),
        ("0 0 * * 6-7", "2026-03-01 12:00", "2026-03-07 00:00"),
        ("0 0 * * 5-7", "2026-03-07 12:00", "2026-03-08 00:00"),
        ("0 0 * * Mon-fri", "2026-03-06 12:00", "2026-03-09 00:00"),
        ("0 0 * * */2", "2026-03-01 00:00", "2026-03-03 00:00"),
        ("0 0 1 jan *", "2026-03-01 00:00", "2027-01-01 00:00"),
        ("0 0 1 Feb-APR/2 *", "2026-03-01 00:00", "2026-04-01 00:00"),
        ("@hourly", "2026-03-01 12:00", "2026-03-01 13:00"),
        ("@daily", "2026-03-01 12:00", "2026-03-02 00:00"),
        ("@midnight", "2026-03-01 12:00", "2026-03-02 00:00"),
        ("@weekly", "2026-03-01 12:00", "2026-03-08 00:00"),
        ("@Monthly", "2026-03-01 12:00", "2026-04-01 00:00"),
        ("@yearly", "2026-03-01 12:00", "2027-01-01 00:00"),
        ("@annually", "2026-03-01 12:00", "2027-01-01 00:00"),
        # either day field may match, unless one of them begins with `*`
        ("0 0 13 * fri", "2026-03-06 12:00", "2026-03-13 00:00"),
        ("0 0 12 * fri", "2026-03-06 12:00", "2026-03-12 00:00"),
        ("0 0 12 * fri", "2026-03-12 12:00", "2026-03-13 00:00"),
        ("0 0 1-7 * */7", "2026-03-02 12:00", "2026-04-05 00:00"),
        ("0 0 */2 * mon", "2026-03-01 12:00", "2026-03-09 00:00"),
        ("0 0 1-31 * mon", "2026-03-01 12:00", "2026-03-02 00:00"),
        ("0 0 20 * 0-6", "2026-03-01 12:00", "2026-03-02 00:00"),
        ("0 0 20 * *,1", "2026-03-01 12:00", "2026-03-20 00:00"),
        ("0 0 31 2 mon", "2026-03-01 12:00", "2027-02-01 00:00"),
        # days that not every month or year has
        ("0 0 31 * *", "2026-03-31 00:00", "2026-05-31 00:00"),
        ("0 0 30 1,2,3 *", "2026-01-31 00:00", "2026-03-30 00:00"),
        ("0 0 29 2 *", "2026-03-01 00:00", "2028-02-29 00:00"),
        ("0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00"),
        ("0 0 29 2 */7", "2088-03-01 00:00", "2128-02-29 00:00"),
    ],
)
def test_the_next_occurrence_in_utc(expression: str, after: str, expected: str) -> None:
    assert next_in_utc(expression, after) == expected


@pytest.mark.parametrize("expression", ["* * * * *", "0 0 1 1 *", "0 0 29 2 *"])
def test_there_is_nothing_beyond_the_calendar(expression: str) -> None:
    assert next_in_utc(expression, "9999-12-31 23:59") is None


def test_the_edges_of_the_calendar_are_survived_in_every_zone() -> None:
    for zone in map(ZoneInfo, cron_cases.ZONES):
        for edge in (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)):
            for expression in ("* * * * *", "0 0 * * *"):
                found = parsed_next(expression, edge, zone)
                assert found is None or found > edge


def test_an_instant_without_a_zone_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        cron.parse("* * * * *").next_after(datetime(2026, 3, 1), ZoneInfo("UTC"))  # noqa: DTZ001  that is it


def test_asking_leaves_no_trace_in_the_shared_expression() -> None:
    assert cron.parse("0 9 * * *") is cron.parse("0 9 * * *")
    assert next_in_utc("0 9 * * *", "2030-01-01 00:00") == "2030-01-01 09:00"
    assert next_in_utc("0 9 * * *", "2026-01-01 00:00") == "2026-01-01 09:00"


# --- What is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("0 * * * * *", "6 fields"),
        ("0 0 * * * * 2026", "7 fields"),
        ("@reboot", "`@reboot` is none of @hourly"),
        ("@every 5m", "`@every 5m` is none of"),
        ("@", "`@` is none of"),
        ("0 0 L * *", "day of month `L`: `L` is not part"),
        ("0 0 LW * *", "day of month `LW`: `L` is not part"),
        ("0 0 * * 5L", "day of week `5L`: `L` is not part"),
        ("0 0 15w * *", "day of month `15w`: `W` is not part"),
        ("0 0 * * 5#2", "day of week `5#2`: `#` is not part"),
        ("0 0 * * mon#1", "day of week `mon#1`: `#` is not part"),
        ("0 0 ? * *", "day of month `?`: `?` is not part"),
        ("H * * * *", "minute `H`: `H` is not part"),
        ("0 H(0-7) * * *", "hour `H(0-7)`: `H` is not part"),
        ("R/5 * * * *", "minute `R/5`: `R` is not part"),
        ("5/15 * * * *", "minute `5/15`: a step needs a range or *. Write 5-59/15"),
        ("0 0 * jan/2 *", "month `jan/2`: a step needs a range or *. Write 1-12/2"),
        ("60 * * * *", "minute `60`: numbers go from 0 to 59"),
        ("0 24 * * *", "hour `24`: numbers go from 0 to 23"),
        ("0 0 0 * *", "day of month `0`: numbers go from 1 to 31"),
        ("0 0 32 * *", "day of month `32`: numbers go from 1 to 31"),
        ("0 0 * 0 *", "month `0`: numbers go from 1 to 12, names from jan to dec"),
        ("0 0 * 13 *", "month `13`: numbers go from 1 to 12"),
        ("0 0 * * 8", "day of week `8`: numbers go from 0 to 7, names from sun to sat"),
        ("0 0 * * monday", "day of week `monday`"),
        ("0 0 * mon *", "month `mon`"),
        ("jan * * * *", "minute `jan`"),
        ("0,61 * * * *", "minute `61`"),
        ("0-70 * * * *", "minute `0-70`"),
        ("30-10 * * * *", "minute `30-10`: the range runs backwards. Write 30-59,0-10"),
        ("0 22-2 * * *", "hour `22-2`: the range runs backwards"),
        ("0 0 * oct-feb *", "month `oct-feb`: the range runs backwards"),
        ("0 0 * * fri-sun", "day of week `fri-sun`: the range runs backwards. Write Sunday as 7: 5-7"),
        ("*/0 * * * *", "minute `*/0`: a step is a whole number"),
        ("*/x * * * *", "minute `*/x`: a step is a whole number"),
        ("*/ * * * *", "minute `*/`"),
        ("*/2/2 * * * *", "minute `*/2/2`"),
        ("*-5 * * * *", "minute `*-5`"),
        ("1-2-3 * * * *", "minute `1-2-3`"),
        ("-1 * * * *", "minute `-1`"),
        ("+1 * * * *", "minute `+1`"),
        ("1.5 * * * *", "minute `1.5`"),
        ("1,,2 * * * *", "minute ``"),
        ("1_0 * * * *", "minute `1_0`"),
        ("0 0 31 2 *", "day of month `31`: none of the months `2`"),
        ("0 0 30 feb *", "day of month `30`: none of the months `feb`"),
        ("0 0 31 4,6,9,11 *", "day of month `31`: none of the months `4,6,9,11`"),
        ("0 0 30-31 2 */2", "day of month `30-31`: none of the months `2`"),
        ("0 0 \u0663 * *", "contains '\\u0663'"),
        ("0\u00a00 * * *", "contains '\\xa0'"),
        ("0 0 * * *\n", "contains '\\n'"),
        ("0 0 * * *\x00", "contains '\\x00'"),
        ("0," * 128 + "0 * * * *", "has 265 characters; at most 256"),
    ],
)
def test_what_is_refused_names_the_field_and_the_value(expression: str, named: str) -> None:
    with pytest.raises(cron.InvalidCron) as refusal:
        cron.parse(expression)
    assert named in refusal.value.message
    assert "Write" in refusal.value.message or "Shorten" in refusal.value.message


@pytest.mark.parametrize("given_value", [None, 5, b"* * * * *", ["* * * * *"], {}])
def test_what_is_not_text_is_refused(given_value: object) -> None:
    with pytest.raises(cron.InvalidCron, match="is text, not"):
        cron.parse(given_value)  # type: ignore[arg-type]  # JSON may hold anything


def test_the_longest_expression_is_taken() -> None:
    longest = "0," * 123 + "0" + " * * * *" + " "
    assert len(longest) == cron.MAX_LENGTH
    assert cron.parse(longest).minutes == (0,)


CRON_LIKE = st.text("0123456789*,-/@ \tLWHR#?adefjnorstuy\n", max_size=40)
FIELD_LIKE = st.from_regex(r"(\*|[0-9]{1,2}(-[0-9]{1,2})?)(/[0-9])?(,[0-9]{1,2})?", fullmatch=True)


@given(st.one_of(st.text(), CRON_LIKE, st.lists(FIELD_LIKE, min_size=5, max_size=5).map(" ".join)))
@example("\ud800 * * * *")
@example("9" * 250 + " * * * *")
@example("*/" + "9" * 240 + " * * * *")
def test_any_text_is_either_understood_or_refused(text: str) -> None:
    try:
        parsed = cron.parse(text)
    except cron.InvalidCron as refusal:
        assert refusal.message  # noqa: PT017  both outcomes are right
        return
    start = datetime(2026, 3, 1, tzinfo=UTC)
    found = parsed.next_after(start, ZoneInfo("UTC"))
    assert found is not None
    assert found > start
    assert parsed.describe()
    if "@" not in text:
        CronSim(text, start)  # takes it as well


# --- The days when clocks change -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "expression", "after", "expected"),
    [
        # spring: a fixed time in the gap fires once, at its end
        ("Europe/Paris", "30 2 * * *", "2026-03-28 12:00", ["03-29 03:00 +0200", "03-30 02:30 +0200"]),
        ("Europe/Paris", "0,15,30 2 * * *", "2026-03-28 12:00", ["03-29 03:00 +0200", "03-30 02:00 +0200"]),
        ("Europe/Paris", "30 2,3 * * *", "2026-03-28 12:00", ["03-29 03:00 +0200", "03-29 03:30 +0200"]),
        ("Europe/Paris", "0 2,3 * * *", "2026-03-28 12:00", ["03-29 03:00 +0200", "03-30 02:00 +0200"]),
        ("Europe/Paris", "30 2 * * *", "2026-03-29 03:00", ["03-30 02:30 +0200"]),
        ("America/New_York", "30 2 * * *", "2026-03-07 12:00", ["03-08 03:00 -0400", "03-09 02:30 -0400"]),
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03 12:00", ["10-04 02:30 +1100", "10-05 02:15 +1100"]),
        ("America/Santiago", "@daily", "2026-09-05 12:00", ["09-06 01:00 -0300", "09-07 00:00 -0300"]),
        ("Africa/Cairo", "@daily", "2026-04-23 12:00", ["04-24 01:00 +0300", "04-25 00:00 +0300"]),
        ("Asia/Beirut", "30 0 * * *", "2026-03-28 12:00", ["03-29 01:00 +0300", "03-30 00:30 +0300"]),
        # spring: a passing clock does not show the gap
        (
            "Europe/Paris",
            "*/30 * * * *",
            "2026-03-29 01:00",
            ["03-29 01:30 +0100", "03-29 03:00 +0200", "03-29 03:30 +0200"],
        ),
        ("Europe/Paris", "*/30 2 * * *", "2026-03-29 01:00", ["03-30 02:00 +0200"]),
        ("America/New_York", "* 2 * * *", "2026-03-08 01:59", ["03-09 02:00 -0400"]),
        ("America/New_York", "0 */2 * * *", "2026-03-08 00:00", ["03-08 04:00 -0400"]),
        (
            "Australia/Lord_Howe",
            "*/15 * * * *",
            "2026-10-04 01:30",
            ["10-04 01:45 +1030", "10-04 02:30 +1100", "10-04 02:45 +1100"],
        ),
        ("Australia/Lord_Howe", "*/10 4 * * *", "2026-10-03 12:00", ["10-04 04:00 +1100"]),
        ("America/Santiago", "*/30 0 * * *", "2026-09-05 12:00", ["09-07 00:00 -0300"]),
        ("Asia/Beirut", "*/30 0-1 * * *", "2026-03-28 12:00", ["03-29 01:00 +0300", "03-29 01:30 +0300"]),
        # autumn: a fixed time fires in the first pass only
        ("Europe/Paris", "30 2 * * *", "2026-10-24 12:00", ["10-25 02:30 +0200", "10-26 02:30 +0100"]),
        ("Europe/Paris", "30 2 * * *", "2026-10-25 02:10+01:00", ["10-26 02:30 +0100"]),
        (
            "Europe/Paris",
            "0,30 2 * * *",
            "2026-10-25 02:29+02:00",
            ["10-25 02:30 +0200", "10-26 02:00 +0100"],
        ),
        ("Europe/Paris", "30 2,3 * * *", "2026-10-25 02:10+01:00", ["10-25 03:30 +0100"]),
        ("America/New_York", "30 1 * * *", "2026-10-31 12:00", ["11-01 01:30 -0400", "11-02 01:30 -0500"]),
        ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04 12:00", ["04-05 01:45 +1100", "04-06 01:45 +1030"]),
        ("America/Santiago", "30 23 * * *", "2026-04-04 12:00", ["04-04 23:30 -0300", "04-05 23:30 -0400"]),
        ("America/Havana", "@daily", "2026-10-31 12:00", ["11-01 00:00 -0400", "11-02 00:00 -0500"]),
        # autumn: a passing clock shows the hour twice
        (
            "Europe/Paris",
            "*/30 * * * *",
            "2026-10-25 01:30",
            [
                *("10-25 02:00 +0200", "10-25 02:30 +0200"),
                *("10-25 02:00 +0100", "10-25 02:30 +0100", "10-25 03:00 +0100"),
            ],
        ),
        (
            "Europe/Paris",
            "*/40 2 * * *",
            "2026-10-25 02:40+02:00",
            ["10-25 02:00 +0100", "10-25 02:40 +0100"],
        ),
        ("Europe/Paris", "*/40 2 * * *", "2026-10-25 02:59:59+02:00", ["10-25 02:00 +0100"]),
        ("Europe/Paris", "10 * * * *", "2026-10-25 02:10+02:00", ["10-25 02:10 +0100", "10-25 03:10 +0100"]),
        (
            "Australia/Lord_Howe",
            "*/15 * * * *",
            "2026-04-05 01:30+11:00",
            ["04-05 01:45 +1100", "04-05 01:30 +1030", "04-05 01:45 +1030", "04-05 02:00 +1030"],
        ),
        ("Australia/Lord_Howe", "*/30 3 * * *", "2026-04-04 12:00", ["04-05 03:00 +1030"]),
        ("America/Havana", "0 * * * *", "2026-10-31 23:00", ["11-01 00:00 -0400", "11-01 00:00 -0500"]),
    ],
)
def test_the_days_when_clocks_change(zone: str, expression: str, after: str, expected: list[str]) -> None:
    assert walk(expression, after, zone, len(expected)) == expected


def test_a_time_that_falls_into_the_gap_every_year_has_no_next() -> None:
    zone = ZoneInfo("America/New_York")  # forward at 02:00 on the second Sunday of March
    assert parsed_next("* 2 8-14 3 */7", datetime(2026, 1, 1, tzinfo=UTC), zone) is None


def test_a_whole_day_that_never_came_fires_at_its_end() -> None:
    assert walk("0 12 * * *", "2011-12-29 12:00", "Pacific/Apia", 2) == [
        "12-31 00:00 +1400",
        "12-31 12:00 +1400",
    ]


@pytest.mark.parametrize("name", cron_cases.ZONES)
def test_random_expressions_agree_with_both_oracles_around_both_changes(name: str) -> None:
    zone, chance = ZoneInfo(name), random.Random(name)
    for change in cron_cases.changes(zone):
        for _ in range(EXPRESSIONS_PER_ZONE):
            expression = cron_cases.random_expression(chance, change.astimezone(zone))
            start = change + timedelta(seconds=chance.choice((-86_400, chance.randrange(-7_200, 7_200))))
            agree(expression, start, change, zone)


def agree(expression: str, start: datetime, change: datetime, zone: ZoneInfo) -> None:
    try:
        parsed = cron.parse(expression)
    except cron.InvalidCron:
        with pytest.raises(CronSimError):
            CronSim(expression, start)
        return
    found = follow(expression, start, zone, 6)
    end = change + cron_cases.REACH - timedelta(hours=2)  # gaps at the rim would need a wider look
    by_the_rules = [at for at in cron_cases.from_the_rules(expression, change, zone) if start < at < end]
    assert [at for at in found if at < end] == by_the_rules[:6], (expression, start)
    if parsed.fixed or zone.key not in CRONSIM_LOSES_ITS_WAY:
        assert found == list(islice(cron_cases.from_cronsim(expression, start, zone), 6)), (expression, start)


@pytest.mark.parametrize(
    ("zone", "expression", "start"),
    [
        ("Australia/Lord_Howe", "*/10 4 * * *", datetime(2026, 10, 3, 2, tzinfo=UTC)),
        ("Asia/Beirut", "*/30 0 29 3 *", datetime(2026, 3, 28, 12, tzinfo=UTC)),
    ],
)
def test_cronsim_still_loses_its_way(zone: str, expression: str, start: datetime) -> None:
    """When this fails cronsim was mended, and `CRONSIM_LOSES_ITS_WAY` can go."""
    place = ZoneInfo(zone)
    assert next(cron_cases.from_cronsim(expression, start, place)) != parsed_next(expression, start, place)


@given(
    st.sampled_from(cron_cases.ZONES).map(ZoneInfo),
    st.integers(0, 1),
    st.integers(-100_000, 100_000),
    st.integers(),
    st.integers(0, 99),
)
def test_the_next_is_later_and_the_same_from_every_second_between(
    zone: ZoneInfo, which: int, seconds: int, seed: int, percent: int
) -> None:
    change = cron_cases.changes(zone)[which]
    expression = cron_cases.random_expression(random.Random(seed), change.astimezone(zone))
    try:
        parsed = cron.parse(expression)
    except cron.InvalidCron:
        return
    previous = change + timedelta(seconds=seconds)
    for _ in range(4):
        following = parsed.next_after(previous, zone)
        if following is None:
            return
        assert following > previous
        assert following.tzinfo is UTC
        assert parsed.next_after(previous + (following - previous) * percent / 100, zone) == following
        assert parsed.next_after(following - TICK, zone) == following
        previous = following


# --- In plain English ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("* * * * *", "Every minute"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("*/7 * * * *", "At minutes 0, 7, 14, 21, 28, 35, 42, 49, 56 past every hour"),
        ("@hourly", "Every hour"),
        ("5 * * * *", "At minute 5 past every hour"),
        ("* 9 * * *", "Every minute of hour 9 every day"),
        ("@daily", "At 00:00 every day"),
        ("0 9 * * mon", "At 09:00 on Monday"),
        ("0 9,17 * * mon-fri", "At 09:00 and 17:00 on Monday to Friday"),
        ("0,30 9-17 * * mon-fri", "At minutes 0, 30 past hours 9-17 on Monday to Friday"),
        ("0 0 * * 0,6", "At 00:00 on Saturday and Sunday"),
        ("0 0 * * 5-7", "At 00:00 on Friday to Sunday"),
        ("0 0 1,15 * *", "At 00:00 on days 1, 15 of the month"),
        ("0 0 1 1,6-8 *", "At 00:00 on day 1 of the month in January and June to August"),
        ("0 0 13 * fri", "At 00:00 on day 13 of the month and on Friday"),
        ("0 0 1-7 * */7", "At 00:00 on days 1-7 of the month if that is Sunday"),
        ("0 0 1-31 * fri", "At 00:00 every day"),
        ("0 12 * 6 *", "At 12:00 every day in June"),
    ],
)
def test_the_description_is_plain_english(expression: str, words: str) -> None:
    assert cron.parse(expression).describe() == words
