"""Intervals: elapsed time from an anchor, or the calendar on a zone's clocks; and jitter, which only delays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.schedules import Cron, Frequency, Interval, Polling

ANCHOR = datetime(2026, 1, 31, 8, 30, tzinfo=UTC)
JOB = UUID("01a1fb7b-330e-718e-ada0-8f53633ac475")


def named(schedule: Interval, after: datetime, count: int) -> list[str]:
    """The next instants, as text in UTC."""
    return [f"{instant:%Y-%m-%d %H:%M}" for instant in islice(schedule.upcoming(after), count)]


def test_an_interval_begins_at_its_anchor_and_counts_elapsed_time_without_drift() -> None:
    every = Interval(every_seconds=90, anchor_at=ANCHOR)
    assert every.next_after(ANCHOR - timedelta(days=1)) == ANCHOR
    assert every.next_after(ANCHOR) == ANCHOR + timedelta(seconds=90)
    assert every.next_after(ANCHOR + timedelta(seconds=89.9)) == ANCHOR + timedelta(seconds=90)
    assert every.next_after(ANCHOR + timedelta(seconds=90)) == ANCHOR + timedelta(seconds=180)


@given(
    st.floats(min_value=1, max_value=1e5, allow_nan=False),
    st.timedeltas(min_value=timedelta(-1), max_value=timedelta(days=1)),
    st.timedeltas(min_value=timedelta(-1), max_value=timedelta(seconds=200)),
)
def test_occurrences_are_counted_at_once_as_they_are_one_by_one(
    every_seconds: float, passed: timedelta, span: timedelta
) -> None:
    every = Interval(every_seconds=every_seconds, anchor_at=ANCHOR, ends_at=ANCHOR + timedelta(hours=20))
    first = ANCHOR + passed
    walked = list(takewhile(lambda instant: instant < first + span, every.starting_at(first)))
    assert every.count_at_once(first, first + span) == len(walked)


@given(
    st.floats(min_value=1, max_value=1e7, allow_nan=False),
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3650)),
)
def test_the_next_is_later_and_no_more_than_one_interval_away(every_seconds: float, passed: timedelta) -> None:
    after = ANCHOR + passed
    following = Interval(every_seconds=every_seconds, anchor_at=ANCHOR).next_after(after)
    assert following is not None
    assert after < following <= after + timedelta(seconds=every_seconds) + timedelta(microseconds=1)


def test_acceptance_is_the_anchor_where_nothing_else_is() -> None:
    accepted = Interval(every_seconds=60).accepted(ANCHOR)
    assert accepted.anchor_at == ANCHOR
    assert accepted.accepted(ANCHOR + timedelta(days=1)).anchor_at == ANCHOR
    starts_at = ANCHOR + timedelta(hours=1)
    assert Interval(every_seconds=60, starts_at=starts_at).accepted(ANCHOR).anchor_at == starts_at


def test_a_preview_begins_with_the_moment_of_acceptance() -> None:
    assert list(islice(Interval(every_seconds=60).preview(ANCHOR), 2)) == [ANCHOR, ANCHOR + timedelta(minutes=1)]


def test_monthly_keeps_the_day_or_takes_the_months_last() -> None:
    monthly = Interval(frequency=Frequency.MONTHLY, anchor_at=ANCHOR)
    assert named(monthly, ANCHOR, 4) == ["2026-02-28 08:30", "2026-03-31 08:30", "2026-04-30 08:30", "2026-05-31 08:30"]


def test_daily_keeps_the_time_of_day_through_both_clock_changes() -> None:
    daily = Interval(
        frequency=Frequency.DAILY, timezone="Europe/Berlin", anchor_at=datetime(2026, 3, 28, 8, 0, tzinfo=UTC)
    )
    assert named(daily, datetime(2026, 3, 28, 8, 0, tzinfo=UTC), 2) == ["2026-03-29 07:00", "2026-03-30 07:00"]
    assert named(daily, datetime(2026, 10, 24, 8, 0, tzinfo=UTC), 2) == ["2026-10-25 08:00", "2026-10-26 08:00"]


def test_a_daily_time_in_the_gap_moves_past_it_and_a_repeated_one_comes_once() -> None:
    daily = Interval(
        frequency=Frequency.DAILY, timezone="Europe/Berlin", anchor_at=datetime(2026, 3, 28, 1, 30, tzinfo=UTC)
    )
    assert named(daily, daily.anchor_at or ANCHOR, 2) == ["2026-03-29 01:30", "2026-03-30 00:30"]
    assert named(daily, datetime(2026, 10, 24, 12, 0, tzinfo=UTC), 2) == ["2026-10-25 00:30", "2026-10-26 01:30"]


def test_weekly_is_seven_days_on_the_calendar() -> None:
    weekly = Interval(frequency=Frequency.WEEKLY, anchor_at=ANCHOR)
    assert named(weekly, ANCHOR + timedelta(days=1), 2) == ["2026-02-07 08:30", "2026-02-14 08:30"]


def test_hourly_is_each_elapsed_hour() -> None:
    hourly = Interval(frequency=Frequency.HOURLY, timezone="Europe/Berlin", anchor_at=ANCHOR)
    assert named(hourly, datetime(2026, 10, 25, 0, 0, tzinfo=UTC), 3) == [
        "2026-10-25 00:30",
        "2026-10-25 01:30",
        "2026-10-25 02:30",
    ]


@pytest.mark.parametrize("frequency", list(Frequency))
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"])
def test_every_frequency_goes_strictly_forward_for_years(frequency: Frequency, zone: str) -> None:
    schedule = Interval(frequency=frequency, timezone=zone, anchor_at=ANCHOR)
    instants = list(islice(schedule.upcoming(ANCHOR), 1_500))
    assert all(former < latter for former, latter in pairwise(instants))


def test_the_end_of_the_calendar_ends_the_schedule() -> None:
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    assert Interval(every_seconds=86_400, anchor_at=ANCHOR).next_after(last) is None
    assert Interval(frequency=Frequency.DAILY, anchor_at=ANCHOR).next_after(last) is None


def test_jitter_only_delays_and_is_always_the_same() -> None:
    schedule = Cron("* * * * *", jitter_seconds=30)
    occurrences = [ANCHOR + timedelta(minutes=number) for number in range(200)]
    delays = [(schedule.due_at(JOB, one) - one).total_seconds() for one in occurrences]
    assert all(0 <= delay < 30 for delay in delays)
    assert len({round(delay) for delay in delays}) > 20
    assert delays == [(schedule.due_at(JOB, one) - one).total_seconds() for one in occurrences]
    assert Cron("* * * * *").due_at(JOB, ANCHOR) == ANCHOR


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Cron("30 2 * * *", jitter_seconds=90), "At 02:30 every day, UTC, each up to 90 s later"),
        (Interval(every_seconds=300, jitter_seconds=0.5), "Every 5 min, each up to 0.5 s later"),
        (Interval(frequency=Frequency.DAILY, jitter_seconds=3_600), "Daily, UTC, each up to 1 h later"),
        (Interval(every_seconds=300, jitter_seconds=0), "Every 5 min"),
    ],
)
def test_a_schedule_in_words_says_its_jitter(schedule: Interval | Cron, words: str) -> None:
    assert schedule.describe() == words


def test_a_preview_bounds_when_each_occurrence_is_due() -> None:
    schedule = Cron("* * * * *", jitter_seconds=30, max_runs=3)
    previewed = schedule.previewed(ANCHOR, 5)
    assert len(previewed) == 3
    for one in previewed:
        assert one.scheduled_for <= schedule.due_at(JOB, one.scheduled_for) <= one.latest_due_at
        assert one.latest_due_at == one.scheduled_for + timedelta(seconds=30)
    [at_once] = Polling(5).previewed(ANCHOR, 5)
    assert (at_once.scheduled_for, at_once.latest_due_at) == (ANCHOR, ANCHOR)


@pytest.mark.parametrize(
    ("polls", "next_after_seconds", "reason"),
    [
        (2, 10, None),
        (3, 10, "not done after max_polls=3 polls"),
        (1, 59.9, None),
        (1, 60, "not done within give_up_after_seconds=60"),
    ],
)
def test_polling_stops_at_its_limits(polls: int, next_after_seconds: float, reason: str | None) -> None:
    schedule = Polling(5, max_polls=3, give_up_after_seconds=60)
    assert schedule.reason_to_stop(polls, ANCHOR, ANCHOR + timedelta(seconds=next_after_seconds)) == reason
