"""Cron expressions mean what Debian's cron makes of them on the days when clocks change."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import given
from hypothesis import strategies as st

from core.schedules import cron
from tests.lengths import EXPRESSIONS
from tests.unit.core.schedules import cron_cases
from tests.unit.core.schedules.cron_walk import follow, parsed_next, walk

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
        ("America/Havana", "@daily", "2025-11-01 12:00", ["11-02 00:00 -0400", "11-03 00:00 -0500"]),
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
        ("America/Havana", "0 * * * *", "2025-11-01 23:00", ["11-02 00:00 -0400", "11-02 00:00 -0500"]),
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
        for _ in range(EXPRESSIONS):
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
