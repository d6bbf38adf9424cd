"""Cron expressions mean what Debian's cron makes of them; what it would not understand is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import example, given
from hypothesis import strategies as st

from core.schedules import cron
from tests.unit.core.schedules import cron_cases
from tests.unit.core.schedules.cron_walk import next_in_utc, parsed_next

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
        ("0 0 13 * fri", "At 00:00 on day 13 of the month or on Friday"),
        ("0 0 1-7 * */7", "At 00:00 on days 1-7 of the month if that is Sunday"),
        ("0 0 1-31 * fri", "At 00:00 every day"),
        ("0 12 * 6 *", "At 12:00 every day in June"),
    ],
)
def test_the_description_is_plain_english(expression: str, words: str) -> None:
    assert cron.parse(expression).describe() == words
