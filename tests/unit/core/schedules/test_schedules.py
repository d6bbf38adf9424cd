"""The instants that schedules name. How cron expressions are read is tested in test_cron.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from core import schedules
from core.instants import to_utc
from core.schedules import Cron, DelayFromNow, Immediate, Polling, RunAt, Schedule, recurs

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
TICK = timedelta(microseconds=1)


def minutes(*numbers: int) -> list[datetime]:
    return [NOON + timedelta(minutes=number) for number in numbers]


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        # Berlin's clock goes from 02:00 to 03:00 on 29 March 2026, and from 03:00 to 02:00 on 25 October.
        ("Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T00:59:59"),
        ("Europe/Berlin", "2026-03-29T02:00:00", "2026-03-29T01:00:00"),  # means 03:00
        ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00"),  # means 03:30
        ("Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T01:00:00"),
        ("Europe/Berlin", "2026-10-25T01:59:59", "2026-10-24T23:59:59"),
        ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00"),  # comes twice: the first
        ("Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00"),
        # New York's go at 02:00 local time on 8 March and 1 November 2026.
        ("America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:30:00"),
        ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00"),
        # Lord Howe Island's go by half an hour, on 4 October and 5 April 2026.
        ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00"),
        ("Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00"),
        # Samoa left out 30 December 2011 whole.
        ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00"),
        ("Asia/Kathmandu", "2026-11-20T12:00:00", "2026-11-20T06:15:00"),
        ("UTC", "2026-11-20T12:00:00", "2026-11-20T12:00:00"),
    ],
)
def test_a_wall_clock_time_in_the_gap_moves_past_it_and_a_repeated_one_means_the_first(
    zone: str, wall: str, instant: str
) -> None:
    found = to_utc(datetime.fromisoformat(wall), ZoneInfo(zone))
    assert found.replace(tzinfo=None).isoformat() == instant
    assert found.tzinfo is UTC


def test_a_fold_that_came_with_the_time_changes_nothing() -> None:
    wall = datetime(2026, 10, 25, 2, 30, fold=1)  # noqa: DTZ001  a wall clock's time
    assert to_utc(wall, BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "instant"),
    [
        (Immediate(), NOON),
        (DelayFromNow(0), NOON),
        (DelayFromNow(0.25), NOON + timedelta(seconds=0.25)),
        (DelayFromNow(86_400), NOON + timedelta(days=1)),
        (RunAt(NOON + timedelta(hours=1)), NOON + timedelta(hours=1)),
        (RunAt(NOON - timedelta(days=365)), NOON),  # in the past: at once
        (Polling(30), NOON),
    ],
)
def test_a_one_shot_and_a_first_poll_have_one_instant(schedule: Schedule, instant: datetime) -> None:
    assert list(schedule.upcoming(NOON)) == [instant]
    assert not recurs(schedule)


def test_the_next_poll_is_counted_from_the_end_of_the_last() -> None:
    assert Polling(30).next_after_poll(NOON) == NOON + timedelta(seconds=30)


@pytest.mark.parametrize("seconds", [0.01, 0.5, 3600])
def test_the_answer_may_say_when_the_next_poll_is_due(seconds: float) -> None:
    assert Polling(30).next_after_poll(NOON, seconds) == NOON + timedelta(seconds=seconds)


def test_the_answer_brings_the_next_poll_no_sooner_than_an_interval_may_say() -> None:
    assert Polling(30).next_after_poll(NOON, 0) == NOON + timedelta(seconds=0.01)


def test_a_cron_names_its_occurrences_one_after_the_other() -> None:
    schedule = Cron("*/5 * * * *")
    assert list(islice(schedule.upcoming(NOON), 3)) == minutes(5, 10, 15)
    assert recurs(schedule)


def test_an_occurrence_at_the_very_instant_is_not_later_than_it() -> None:
    assert Cron("* * * * *").next_after(NOON) == NOON + timedelta(minutes=1)
    assert Cron("* * * * *").next_after(NOON - TICK) == NOON


@pytest.mark.parametrize(
    ("starts_at", "first"),
    [
        (NOON + timedelta(minutes=10), 10),  # inclusive
        (NOON + timedelta(minutes=10) + TICK, 15),
        (NOON + timedelta(minutes=10) - TICK, 10),
        (NOON - timedelta(days=1), 5),  # nothing before acceptance
        (NOON, 5),
    ],
)
def test_starts_at_is_inclusive(starts_at: datetime, first: int) -> None:
    schedule = Cron("*/5 * * * *", starts_at=starts_at)
    assert list(islice(schedule.upcoming(NOON), 2)) == minutes(first, first + 5)


def test_a_start_is_also_the_first_occurrence_where_it_is_the_moment_of_acceptance() -> None:
    assert Cron("*/5 * * * *", starts_at=NOON).next_after(NOON - TICK) == NOON


@pytest.mark.parametrize(
    ("ends_at", "named"),
    [
        (NOON + timedelta(minutes=10), minutes(5)),  # exclusive
        (NOON + timedelta(minutes=10) + TICK, minutes(5, 10)),
        (NOON + timedelta(minutes=5), []),
        (NOON - timedelta(days=1), []),
    ],
)
def test_ends_at_is_exclusive(ends_at: datetime, named: list[datetime]) -> None:
    assert list(Cron("*/5 * * * *", ends_at=ends_at).upcoming(NOON)) == named


def test_a_schedule_that_starts_at_its_end_names_nothing() -> None:
    edge = NOON + timedelta(minutes=5)
    assert list(Cron("* * * * *", starts_at=edge, ends_at=edge).upcoming(NOON)) == []


def test_a_cron_reads_the_clocks_of_its_zone() -> None:
    nine = Cron("0 9 * * *", timezone="Europe/Berlin")
    days = nine.upcoming(datetime(2026, 10, 23, 12, tzinfo=UTC))
    assert [day.hour for day in islice(days, 3)] == [7, 8, 8]  # summer time ends on the 25th


def test_every_kind_is_known_by_its_name() -> None:
    assert {name: kind.kind for name, kind in schedules.KINDS.items()} == {
        name: name for name in ("immediate", "run_at", "delay_from_now", "cron", "interval", "polling")
    }


@pytest.mark.parametrize(
    "schedule", [Immediate(), RunAt(NOON), DelayFromNow(5), Polling(30), Cron("0 9 * * 1", timezone="Asia/Tokyo")]
)
def test_every_kind_can_be_told_in_one_line(schedule: Schedule) -> None:
    line = schedule.describe()
    assert line
    assert "\n" not in line
