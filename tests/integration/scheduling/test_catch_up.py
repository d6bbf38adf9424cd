"""Catch-up: what becomes of occurrences for which nobody made a row in time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.occurrences import NOT_CAUGHT_UP, OUT_OF_WINDOW, SUPERSEDED
from core.policies import CatchUp, Overlap
from core.principals import LOCAL
from core.schedules import Cron, Interval
from core.states import RunStatus
from services.jobs import creating
from services.scheduling import dispatching, planning
from tests.factories import NOON, GivenSystem, new_job, runs_of

MINUTELY = Interval(every_seconds=60)
MISSED, QUEUED, PENDING = RunStatus.MISSED, RunStatus.QUEUED, RunStatus.PENDING
AHEAD = 3  # rows made with the job: at noon and for the two minutes after, within 150 s

# The coordinator sleeps from noon on and wakes at 12:10:30. Rows for 12:00 to 12:02 are there; those for 12:03 to
# 12:09 are late, 12:10 is in time, 12:11 to 12:13 are ahead.
LATE = range(3, 10)
CASES = {
    "latest: the newest late one runs": (
        CatchUp.LATEST,
        86_400,
        {**dict.fromkeys(range(3, 9), (MISSED, SUPERSEDED)), 9: (QUEUED, None)},
    ),
    "latest: none is young enough": (CatchUp.LATEST, 80, dict.fromkeys(LATE, (MISSED, OUT_OF_WINDOW))),
    "latest: those too old say so": (
        CatchUp.LATEST,
        300,
        {
            **dict.fromkeys(range(3, 6), (MISSED, OUT_OF_WINDOW)),
            **dict.fromkeys(range(6, 9), (MISSED, SUPERSEDED)),
            9: (QUEUED, None),
        },
    ),
    "skip: none runs": (CatchUp.SKIP, 86_400, dict.fromkeys(LATE, (MISSED, NOT_CAUGHT_UP))),
    "all: each runs": (CatchUp.ALL, 86_400, dict.fromkeys(LATE, (QUEUED, None))),
    "all: each within the window runs": (
        CatchUp.ALL,
        300,
        {**dict.fromkeys(range(3, 6), (MISSED, OUT_OF_WINDOW)), **dict.fromkeys(range(6, 10), (QUEUED, None))},
    ),
}


def minute(instant: datetime) -> int:
    return int((instant - NOON).total_seconds() // 60)


def rows(job_id: object) -> dict[int, tuple[RunStatus, str | None]]:
    return {minute(run.scheduled_for): (run.status, run.reason) for run in runs_of(job_id)}  # type: ignore[arg-type]


def wake_up(system: GivenSystem) -> None:
    """A coordinator comes back: it plans and dispatches all there is."""
    while planning.plan(system):
        pass
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


@pytest.mark.parametrize(("catch_up", "window", "late"), CASES.values(), ids=CASES)
def test_what_comes_of_late_occurrences(
    system: GivenSystem, catch_up: CatchUp, window: float, late: dict[int, tuple[RunStatus, str | None]]
) -> None:
    job = new_job(MINUTELY, catch_up=catch_up, catch_up_window_seconds=window, overlap=Overlap.ALLOW)
    job_id = creating.create(LOCAL, system, job)
    system.clock.advance(10 * 60 + 30)
    wake_up(system)
    in_time = {**dict.fromkeys((*range(AHEAD), 10), (QUEUED, None)), **dict.fromkeys((11, 12, 13), (PENDING, None))}
    assert rows(job_id) == in_time | late


def test_rows_that_were_made_in_time_run_however_late_they_come(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(MINUTELY, catch_up=CatchUp.SKIP, overlap=Overlap.ALLOW))
    system.clock.advance(3_600)
    wake_up(system)
    assert [rows(job_id)[number] for number in range(AHEAD)] == [(QUEUED, None)] * AHEAD


def test_of_all_that_is_caught_up_overlap_decides(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(MINUTELY, catch_up=CatchUp.ALL, overlap=Overlap.SKIP))
    system.clock.advance(10 * 60 + 30)
    wake_up(system)
    assert [number for number, (status, _) in rows(job_id).items() if status is QUEUED] == [0]
    assert rows(job_id)[9] == (RunStatus.SKIPPED, "overlap")


@pytest.mark.parametrize("catch_up", CatchUp)
def test_an_occurrence_that_jitter_makes_due_later_is_not_missed(system: GivenSystem, catch_up: CatchUp) -> None:
    schedule = Cron("*/10 * * * *", jitter_seconds=7_200)
    job_id = creating.create(LOCAL, system, new_job(schedule, catch_up=catch_up, overlap=Overlap.ALLOW))
    woken_at = system.clock.advance(45 * 60)
    wake_up(system)
    late_before = woken_at - timedelta(seconds=60)
    planned = [run for run in runs_of(job_id) if run.scheduled_for > NOON + timedelta(seconds=150)]
    assert all(run.due_at == schedule.due_at(job_id, run.scheduled_for) for run in planned)
    assert all(run.due_at < late_before for run in planned if run.status is MISSED)
    late = [run for run in planned if run.due_at < late_before]
    expected = {CatchUp.ALL: len(late), CatchUp.SKIP: 0, CatchUp.LATEST: min(1, len(late))}
    assert sum(run.status is not MISSED for run in late) == expected[catch_up]
    assert [minute(run.scheduled_for) for run in planned] == [10, 20, 30, 40]


def test_a_daily_job_loses_no_day_by_an_outage_before_it_is_due(system: GivenSystem) -> None:
    schedule = Interval(every_seconds=86_400, starts_at=NOON + timedelta(hours=1), jitter_seconds=43_200)
    job = new_job(schedule, catch_up=CatchUp.SKIP)
    job_ids = [creating.create(LOCAL, system, job) for _ in range(5)]  # their delays differ
    system.clock.set(NOON + timedelta(hours=1, minutes=5))
    wake_up(system)
    found = [run for job_id in job_ids for run in runs_of(job_id)]
    late_before = system.clock.now() - timedelta(seconds=60)
    assert [run.status is MISSED for run in found] == [run.due_at < late_before for run in found]
    assert not all(run.status is MISSED for run in found)


def test_a_clock_set_back_an_hour_makes_no_occurrence_twice(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(MINUTELY, overlap=Overlap.ALLOW))
    for _ in range(5):
        system.clock.advance(60)
        wake_up(system)
    before = {run.scheduled_for: run.id for run in runs_of(job_id)}
    system.clock.set(system.clock.now() - timedelta(hours=1))
    for _ in range(5):
        system.clock.advance(60)
        wake_up(system)
    assert {run.scheduled_for: run.id for run in runs_of(job_id)} == before
    system.clock.set(NOON + timedelta(minutes=6))
    wake_up(system)
    instants = [run.scheduled_for for run in runs_of(job_id)]
    assert [minute(instant) for instant in instants] == list(range(len(instants)))
    assert len(instants) == 9


@pytest.mark.parametrize(("catch_up", "runs"), [(CatchUp.LATEST, 1), (CatchUp.SKIP, 0), (CatchUp.ALL, 57)])
def test_a_clock_set_forward_an_hour_follows_catch_up(system: GivenSystem, catch_up: CatchUp, runs: int) -> None:
    job_id = creating.create(LOCAL, system, new_job(MINUTELY, catch_up=catch_up, overlap=Overlap.ALLOW))
    wake_up(system)
    system.clock.set(NOON + timedelta(hours=1, seconds=30))
    wake_up(system)
    late = {number: status for number, (status, _) in rows(job_id).items() if AHEAD <= number < 60}
    assert len(late) == 57
    assert list(late.values()).count(QUEUED) == runs
    assert rows(job_id)[60] == (QUEUED, None)


def test_a_gap_of_more_than_a_thousand_is_one_row_with_a_count(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(MINUTELY, catch_up=CatchUp.SKIP))
    system.clock.advance(1_100 * 60 + 30)
    wake_up(system)
    [gap] = [run for run in runs_of(job_id) if run.status is MISSED]
    assert (minute(gap.scheduled_for), gap.occurrences, gap.reason) == (3, 1_097, NOT_CAUGHT_UP)
