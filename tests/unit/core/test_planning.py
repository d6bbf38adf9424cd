"""Which occurrences get a row, and where planning goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.occurrences import OUT_OF_WINDOW, SUPERSEDED, CatchUpPolicy, DueAt, Missed
from core.planning import PlannedOccurrences, plan_occurrences
from core.policies import CatchUp
from core.schedules import Cron, Interval, Schedule

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTELY = Interval(every_seconds=60, anchor_at=NOON - timedelta(days=2))
TICK = timedelta(microseconds=1)
LATEST = CatchUpPolicy()
LATE = st.integers(-30, 5)
POLICIES = st.builds(CatchUpPolicy, st.sampled_from(CatchUp), st.integers(0, 2_400))


def minute(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def planned(
    watermark: datetime | None,
    horizon: datetime = NOON + timedelta(minutes=2),
    *,
    schedule: Schedule = MINUTELY,
    policy: CatchUpPolicy = LATEST,
    due_at: DueAt = lambda instant: instant,
    most: int = 100,
) -> PlannedOccurrences:
    return plan_occurrences(schedule, watermark, NOON, horizon, policy, due_at=due_at, most=most)


def test_all_from_the_watermark_to_the_horizon_are_planned_both_included() -> None:
    assert planned(minute(0)) == PlannedOccurrences((minute(0), minute(1), minute(2)), (), minute(3))


def test_nothing_is_planned_without_a_watermark_or_before_it() -> None:
    assert planned(None) == PlannedOccurrences()
    assert planned(minute(3)) == PlannedOccurrences(next_run_at=minute(3))


def test_planning_ends_with_the_schedule() -> None:
    ending = Interval(every_seconds=60, anchor_at=NOON, ends_at=minute(2))
    assert planned(minute(0), schedule=ending) == PlannedOccurrences((minute(0), minute(1)), (), None)


def test_a_watermark_that_the_schedule_does_not_name_moves_on_to_one_that_it_names() -> None:
    assert planned(minute(0.5), minute(0.7)) == PlannedOccurrences(next_run_at=minute(1))


def test_late_ones_follow_the_catch_up_policy() -> None:
    found = planned(minute(-3), minute(0))
    assert found.to_run == (minute(-2), minute(-1), minute(0))
    assert found.missed == (Missed(minute(-3), SUPERSEDED),)


def test_where_more_late_ones_follow_than_one_pass_takes_the_newest_is_left_to_the_next() -> None:
    first = planned(minute(-5), minute(0), most=2)
    assert (first.to_run, first.next_run_at) == ((), minute(-3))
    then = planned(first.next_run_at, minute(0))
    assert then.to_run == (minute(-2), minute(-1), minute(0))


def test_the_newest_late_one_is_left_to_the_next_pass_though_the_first_that_follows_is_due_later() -> None:
    def due_at(instant: datetime) -> datetime:
        return minute(30) if instant == minute(-3) else instant

    first = planned(minute(-5), minute(0), due_at=due_at, most=2)
    assert (first.to_run, first.next_run_at) == ((), minute(-3))
    assert planned(first.next_run_at, minute(0), due_at=due_at).to_run == (
        minute(-3),
        minute(-2),
        minute(-1),
        minute(0),
    )


def test_those_out_of_the_window_are_missed() -> None:
    found = planned(minute(-3), minute(-2), policy=CatchUpPolicy(CatchUp.ALL, window_seconds=150))
    assert (found.to_run, found.missed) == ((minute(-2),), (Missed(minute(-3), OUT_OF_WINDOW),))


def test_a_single_instant_is_planned_up_to_a_horizon_that_is_the_instant_itself() -> None:
    assert planned(minute(1), minute(1), schedule=Cron("1 12 20 11 *")).to_run == (minute(1),)


@pytest.mark.parametrize("schedule", [MINUTELY, Cron("*/7 * * * *")], ids=["each minute", "each seventh"])
@given(watermark=LATE, horizon=st.integers(-5, 10), most=st.integers(1, 12), policy=POLICIES)
def test_pass_after_pass_each_occurrence_is_planned_exactly_once(
    schedule: Schedule, watermark: int, horizon: int, most: int, policy: CatchUpPolicy
) -> None:
    first = at = next(schedule.upcoming(minute(watermark) - TICK))
    run: list[datetime] = []
    missed = 0
    while at <= minute(horizon):
        found = planned(at, minute(horizon), schedule=schedule, policy=policy, most=most)
        assert found.next_run_at is not None
        assert found.next_run_at > at
        run += found.to_run
        missed += sum(one.count for one in found.missed)
        at = found.next_run_at
    named = list(takewhile(lambda instant: instant <= minute(horizon), schedule.upcoming(first - TICK)))
    assert run == sorted(set(run))
    assert set(run) <= set(named)
    assert len(run) + missed == len(named)
