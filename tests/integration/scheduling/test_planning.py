"""Plan: rows for the coming occurrences, made ahead, each exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core.errors import InvalidInput
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Immediate, Polling, RunAt, Schedule
from core.states import JobState, RunStatus, Trigger
from models import database
from models import jobs as job_queries
from models.tables import Job, Run
from services.execution import claiming, workers
from services.jobs import lifecycle as job_service
from services.scheduling import dispatching, planning
from tests.factories import (
    NOON,
    GivenSystem,
    claim_one,
    first_run,
    given_system,
    in_threads,
    new_job,
    record,
    runs_of,
    stored_job,
    succeeded,
)

EVERY_MINUTE = "* * * * *"


def made(system: GivenSystem, expression: str = EVERY_MINUTE, **limits: object) -> UUID:
    """A job that comes back, made now."""
    return job_service.create(LOCAL, system, new_job(Cron(expression, **limits)))  # type: ignore[arg-type]  # as each test gives


def plan_all(system: GivenSystem) -> None:
    while planning.plan(system) == planning.BATCH:
        pass


def minutes(job_id: UUID, status: RunStatus | None = None) -> list[float]:
    """For which minutes after noon a job has rows (of that status)."""
    rows = [run for run in runs_of(job_id) if status in (None, run.status)]
    return [(run.scheduled_for - NOON) / timedelta(minutes=1) for run in rows]


def in_minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def after_an_outage(system: GivenSystem, expression: str = EVERY_MINUTE, *, minutes: float) -> UUID:
    """A job made at noon, planned again so many minutes later, all that was planned before having been made due."""
    job_id = made(system, expression)
    system.clock.advance(minutes * 60)
    plan_all(system)
    return job_id


# --- Ahead, and once ---------------------------------------------------------------------------------------


def test_a_new_job_has_rows_for_the_coming_150_seconds(system: GivenSystem) -> None:
    job_id = made(system)
    assert minutes(job_id) == [1, 2]
    assert {(run.status, run.trigger) for run in runs_of(job_id)} == {(RunStatus.PENDING, Trigger.SCHEDULE)}
    assert stored_job(job_id).next_run_at == in_minutes(3)


def test_an_occurrence_at_the_very_horizon_is_planned(system: GivenSystem) -> None:
    system.clock.advance(30)
    assert minutes(made(system)) == [1, 2, 3]


@pytest.mark.parametrize("pause", [7, 60, 75, 150])
def test_each_occurrence_gets_one_row_however_often_it_is_planned(system: GivenSystem, pause: float) -> None:
    job_id = made(system)
    while system.clock.now() < in_minutes(10):
        system.clock.advance(pause)
        planning.plan(system)
        planning.plan(system)
    planned = minutes(job_id)
    assert planned == list(range(1, len(planned) + 1))
    assert len(planned) >= 12


def test_planning_says_how_many_jobs_it_took(system: GivenSystem) -> None:
    for _ in range(3):
        made(system)
    assert planning.plan(system) == 0
    system.clock.advance(60)
    assert planning.plan(system) == 3
    assert planning.plan(system) == 0


def test_more_jobs_than_a_batch_are_planned_batch_by_batch(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "BATCH", 2)
    made_ids = [made(system) for _ in range(5)]
    system.clock.advance(60)
    assert [planning.plan(system) for _ in range(4)] == [2, 2, 1, 0]
    assert all(minutes(job_id) == [1, 2, 3] for job_id in made_ids)


@pytest.mark.parametrize("schedule", [Immediate(), RunAt(in_minutes(1)), DelayFromNow(60), Polling(30)])
def test_what_does_not_come_back_is_never_planned_again(system: GivenSystem, schedule: Schedule) -> None:
    job_id = first_run(system, schedule).job_id
    system.clock.advance(3600)
    assert planning.plan(system) == 0
    assert len(runs_of(job_id)) == 1


@pytest.mark.parametrize("planners", [2, 8])
def test_planners_at_once_make_each_row_once(postgresql: str, planners: int) -> None:
    system = given_system()
    job_ids = [made(system) for _ in range(12)]
    for _ in range(5):
        system.clock.advance(60)
        in_threads(planners, lambda _: plan_all(system))
    plan_all(system)
    assert {tuple(minutes(job_id)) for job_id in job_ids} == {tuple(range(1, 8))}
    assert {stored_job(job_id).next_run_at for job_id in job_ids} == {in_minutes(8)}


def test_a_planner_leaves_a_job_to_whoever_is_planning_it(postgresql: str) -> None:
    system = given_system()
    busy, free = made(system), made(system)
    system.clock.advance(60)
    with database.transaction():
        job_queries.lock([busy])
        assert in_threads(1, lambda _: planning.plan(system)) == [1]
    assert (minutes(busy), minutes(free)) == ([1, 2], [1, 2, 3])
    planning.plan(system)
    assert minutes(busy) == [1, 2, 3]


def test_rows_that_are_there_already_stay_as_they_are(system: GivenSystem) -> None:
    """Even if the watermark were put back, no occurrence would come twice."""
    job_id = made(system)
    before = [run.id for run in runs_of(job_id)]
    with database.transaction():
        Job.update(next_run_at=in_minutes(1)).execute()
    planning.plan(system)
    assert [run.id for run in runs_of(job_id)] == before
    assert stored_job(job_id).next_run_at == in_minutes(3)


# --- Clocks ------------------------------------------------------------------------------------------------


def test_the_watermark_never_goes_back(system: GivenSystem) -> None:
    job_id = made(system)
    reached = in_minutes(3)
    for seconds in (60, -3600, 30, 3700, -7200, 7300):
        system.clock.advance(seconds)
        planning.plan(system)
        watermark = stored_job(job_id).next_run_at
        assert watermark is not None
        assert watermark >= reached
        reached = watermark


def test_a_clock_set_back_an_hour_makes_no_occurrence_twice(system: GivenSystem) -> None:
    job_id = made(system)
    system.clock.advance(60)
    planning.plan(system)
    before = [run.id for run in runs_of(job_id)]
    system.clock.set(NOON - timedelta(hours=1))
    planning.plan(system)
    assert [run.id for run in runs_of(job_id)] == before
    for _ in range(62):
        system.clock.advance(60)
        planning.plan(system)
    planned = minutes(job_id)
    assert planned == list(range(1, len(planned) + 1))


def test_an_occurrence_fired_before_the_clock_went_back_does_not_fire_again(system: GivenSystem) -> None:
    job_id = made(system)
    system.clock.advance(60)
    dispatching.make_due(system, [runs_of(job_id)[0].id])
    record(system, claim_one(system), succeeded())
    system.clock.set(NOON - timedelta(hours=1))
    planning.plan(system)
    system.clock.advance(3660)
    planning.plan(system)
    due = [run_id for run_id, _ in dispatching.due_soon(system)]
    assert dispatching.make_due(system, due) == 0
    assert [run.status for run in runs_of(job_id)][:2] == [RunStatus.COMPLETED, RunStatus.PENDING]


def test_a_cron_in_a_zone_is_planned_through_both_clock_changes(system: GivenSystem) -> None:
    system.clock.set(datetime.fromisoformat("2027-03-27T12:00:00+00:00"))
    spring = made(system, "30 2 * * *", timezone="Europe/Berlin")
    system.clock.set(datetime.fromisoformat("2027-03-28T00:58:00+00:00"))
    planning.plan(system)
    assert [run.scheduled_for.isoformat() for run in runs_of(spring)] == ["2027-03-28T01:00:00+00:00"]
    assert stored_job(spring).next_run_at == datetime.fromisoformat("2027-03-29T00:30:00+00:00")


# --- Late --------------------------------------------------------------------------------------------------


def test_rows_made_up_to_a_minute_late_all_run(system: GivenSystem) -> None:
    job_id = made(system, "*/5 * * * *")
    system.clock.advance(6 * 60)
    planning.plan(system)
    assert minutes(job_id, RunStatus.PENDING) == [5]


def test_of_the_occurrences_of_an_outage_the_newest_runs_and_the_others_are_missed(system: GivenSystem) -> None:
    job_id = after_an_outage(system, minutes=10)
    assert minutes(job_id, RunStatus.MISSED) == [3, 4, 5, 6, 7]
    assert minutes(job_id, RunStatus.PENDING) == [1, 2, 8, 9, 10, 11, 12]
    missed = [run for run in runs_of(job_id) if run.status is RunStatus.MISSED]
    assert all(run.finished_at == system.clock.now() and run.reason and run.occurrences == 1 for run in missed)


def test_rows_planned_in_time_run_however_late_they_are_dispatched(system: GivenSystem) -> None:
    job_id = after_an_outage(system, minutes=10)
    first = runs_of(job_id)[0]
    assert dispatching.make_due(system, [first.id]) == 1


def test_more_than_a_thousand_missed_ones_are_one_row_with_the_count(system: GivenSystem) -> None:
    job_id = after_an_outage(system, minutes=1_100)
    [gap] = [run for run in runs_of(job_id) if run.status is RunStatus.MISSED]
    assert gap.scheduled_for == in_minutes(3)
    assert gap.occurrences == 1_097 - 2  # all between those planned in time before the outage and after it
    assert minutes(job_id, RunStatus.PENDING) == [1, 2, 1_098, 1_099, 1_100, 1_101, 1_102]


def test_what_is_older_than_a_day_is_not_caught_up(system: GivenSystem) -> None:
    job_id = after_an_outage(system, "0 13 * * 5", minutes=60 * 25 + 1)  # an hour after noon, on Fridays
    assert minutes(job_id, RunStatus.MISSED) == [60]
    assert minutes(job_id, RunStatus.PENDING) == []
    assert stored_job(job_id).next_run_at == in_minutes(60) + timedelta(days=7)


def test_what_is_younger_than_a_day_is_caught_up(system: GivenSystem) -> None:
    job_id = after_an_outage(system, "0 13 * * 5", minutes=60 * 25)
    assert minutes(job_id, RunStatus.PENDING) == [60]


def test_an_occurrence_caught_up_is_due_at_once(system: GivenSystem) -> None:
    job_id = after_an_outage(system, "0 13 * * *", minutes=90)
    [late] = runs_of(job_id)
    assert [run_id for run_id, _ in dispatching.due_soon(system)] == [late.id]
    assert dispatching.make_due(system, [late.id]) == 1


# --- Limits of a schedule ----------------------------------------------------------------------------------


def test_nothing_before_acceptance_is_caught_up(system: GivenSystem) -> None:
    job_id = made(system, starts_at=NOON - timedelta(days=1))
    assert minutes(job_id) == [1, 2]


def test_starts_at_is_inclusive_and_ends_at_exclusive(system: GivenSystem) -> None:
    job_id = made(system, starts_at=in_minutes(4), ends_at=in_minutes(6))
    assert minutes(job_id) == []
    assert stored_job(job_id).next_run_at == in_minutes(4)
    system.clock.advance(300)
    plan_all(system)
    assert minutes(job_id) == [4, 5]
    assert stored_job(job_id).next_run_at is None


def test_a_schedule_that_names_nothing_is_refused_and_leaves_nothing_behind(system: GivenSystem) -> None:
    with pytest.raises(InvalidInput, match="schedule"):
        made(system, ends_at=NOON)
    with database.reading():
        assert Job.select().count() == Run.select().count() == 0


def run_to_its_end(system: GivenSystem, job_id: UUID) -> Sequence[float]:
    """Let time pass, minute by minute, each run being executed at once; for which minutes it ran."""
    worker = workers.register(system)
    for _ in range(10):
        system.clock.advance(60)
        plan_all(system)
        dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
        for work in claiming.claim(system, worker, "runs.http", 10):
            record(system, work, succeeded())
    return minutes(job_id, RunStatus.COMPLETED)


def test_max_runs_ends_the_schedule_and_completes_the_job(system: GivenSystem) -> None:
    job_id = made(system, max_runs=3)
    assert run_to_its_end(system, job_id) == [1, 2, 3]
    assert minutes(job_id) == [1, 2, 3], "what was planned beyond is taken away"
    job = stored_job(job_id)
    assert (job.state, job.runs_started, job.next_run_at) == (JobState.COMPLETED, 3, None)


def test_ends_at_completes_the_job_with_its_last_run(system: GivenSystem) -> None:
    job_id = made(system, ends_at=in_minutes(4))
    assert run_to_its_end(system, job_id) == [1, 2, 3]
    job = stored_job(job_id)
    assert (job.state, job.finished_at) == (JobState.COMPLETED, in_minutes(3))


def test_a_schedule_whose_last_occurrences_are_all_missed_completes_its_job(system: GivenSystem) -> None:
    job_id = made(system, "0 13 * * *", ends_at=in_minutes(61))
    system.clock.advance(3 * 86_400)
    plan_all(system)
    assert minutes(job_id, RunStatus.MISSED) == [60]
    assert stored_job(job_id).state is JobState.COMPLETED


def test_a_job_that_was_cancelled_is_planned_no_more(system: GivenSystem) -> None:
    job_id = made(system)
    job_service.cancel(LOCAL, system, job_id)
    system.clock.advance(600)
    assert planning.plan(system) == 0
    assert {run.status for run in runs_of(job_id)} == {RunStatus.CANCELLED}
