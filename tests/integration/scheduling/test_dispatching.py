"""Dispatch: a run becomes due at its instant, unless overlap or pause say otherwise."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Polling, RunAt, Schedule
from core.states import Hold, JobState, RunStatus
from models import jobs as job_queries
from services.execution import rescue
from services.jobs import lifecycle as job_service
from services.messaging.doorbell import Ring
from services.scheduling import dispatching, planning
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    given_system,
    in_threads,
    new_job,
    polled,
    record,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)

EVERY_MINUTE = Cron("* * * * *")
TICK_SECONDS = 0.000_001


def dispatch(system: GivenSystem) -> int:
    """One pass of the dispatcher: look ahead, then make due what has come; how many were queued."""
    return dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def next_minute(system: GivenSystem) -> int:
    system.clock.advance(60)
    planning.plan(system)
    return dispatch(system)


def statuses(job_id: UUID) -> list[RunStatus]:
    return [run.status for run in runs_of(job_id)]


@pytest.mark.parametrize("schedule", [DelayFromNow(60), RunAt(NOON + timedelta(minutes=1)), EVERY_MINUTE])
def test_a_run_becomes_due_exactly_at_its_instant(system: GivenSystem, schedule: Schedule) -> None:
    run = first_run(system, schedule)
    system.clock.advance(60 - TICK_SECONDS)
    assert dispatch(system) == 0
    assert stored_run(run.id).status is RunStatus.PENDING
    system.clock.advance(TICK_SECONDS)
    assert dispatch(system) == 1
    assert stored_run(run.id).status is RunStatus.QUEUED


def test_the_dispatcher_looks_two_seconds_ahead_soonest_first(system: GivenSystem) -> None:
    made = {seconds: first_run(system, DelayFromNow(seconds)).id for seconds in (3, 1.5, 2.5, 2, 0.5)}
    assert dispatching.due_soon(system) == [
        (made[seconds], NOON + timedelta(seconds=seconds)) for seconds in (0.5, 1.5, 2)
    ]


def test_what_becomes_due_is_rung_for_once(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(60))
    assert system.doorbell.heard() == []
    system.clock.advance(60)
    dispatch(system)
    assert system.doorbell.heard() == [Ring(run.id, "runs.http")]
    dispatch(system)
    assert system.doorbell.heard() == []


@pytest.mark.parametrize("status", [RunStatus.RUNNING, RunStatus.COMPLETED, RunStatus.CANCELLED])
def test_a_run_that_waits_for_nothing_is_left_alone(system: GivenSystem, status: RunStatus) -> None:
    run = first_run(system)
    if status is RunStatus.CANCELLED:
        job_service.cancel(LOCAL, system, run.job_id)
    else:
        work = claim_one(system)
        if status is RunStatus.COMPLETED:
            record(system, work, succeeded())
    assert dispatching.make_due(system, [run.id]) == 0
    assert stored_run(run.id).status is status


def test_a_run_that_does_not_exist_is_nothing_to_make_due(system: GivenSystem) -> None:
    assert dispatching.make_due(system, [NOWHERE]) == 0
    assert dispatching.make_due(system, []) == 0


NOWHERE = UUID(int=0)


@pytest.mark.parametrize("dispatchers", [2, 8])
def test_dispatchers_at_once_make_each_run_due_once(postgresql: str, dispatchers: int) -> None:
    system = given_system()
    made = {first_run(system, DelayFromNow(60)).id for _ in range(60)}
    system.clock.advance(60)
    assert sum(in_threads(dispatchers, lambda _: dispatch(system))) == len(made)
    rung = [ring.run_id for ring in system.doorbell.heard()]
    assert len(rung) == len(made)
    assert set(rung) == made


def test_dispatchers_at_once_count_each_start_once(postgresql: str) -> None:
    system = given_system()
    job_ids = [first_run(system, Cron("* * * * *", max_runs=5)).job_id for _ in range(10)]
    system.clock.advance(60)
    assert sum(in_threads(4, lambda _: dispatch(system))) == 10
    assert {stored_job(job_id).runs_started for job_id in job_ids} == {1}


# --- Overlap -----------------------------------------------------------------------------------------------


def test_an_occurrence_is_skipped_while_the_one_before_is_queued(system: GivenSystem) -> None:
    job_id = first_run(system, EVERY_MINUTE).job_id
    assert [next_minute(system), next_minute(system)] == [1, 0]
    first, second, *_ = runs_of(job_id)
    assert first.status is RunStatus.QUEUED
    assert (second.status, second.reason, second.finished_at) == (RunStatus.SKIPPED, "overlap", system.clock.now())


def test_an_occurrence_is_skipped_while_the_one_before_is_running(system: GivenSystem) -> None:
    job_id = first_run(system, EVERY_MINUTE).job_id
    next_minute(system)
    claim_one(system)
    assert next_minute(system) == 0
    assert statuses(job_id)[:2] == [RunStatus.RUNNING, RunStatus.SKIPPED]


def test_an_occurrence_is_skipped_while_the_one_before_waits_to_be_tried_again(system: GivenSystem) -> None:
    job_id = first_run(system, EVERY_MINUTE, retry_backoff_base=300).job_id
    next_minute(system)
    record(system, claim_one(system), failed())
    assert next_minute(system) == 0
    assert statuses(job_id)[:2] == [RunStatus.RETRYING, RunStatus.SKIPPED]


def test_once_the_one_before_is_over_the_next_occurrence_runs(system: GivenSystem) -> None:
    job_id = first_run(system, EVERY_MINUTE).job_id
    next_minute(system)
    record(system, claim_one(system), succeeded())
    assert next_minute(system) == 1
    assert statuses(job_id)[:2] == [RunStatus.COMPLETED, RunStatus.QUEUED]


def test_of_two_occurrences_made_due_together_the_second_is_skipped(system: GivenSystem) -> None:
    job_id = first_run(system, EVERY_MINUTE).job_id
    system.clock.advance(120)
    assert dispatch(system) == 1
    assert statuses(job_id)[:2] == [RunStatus.QUEUED, RunStatus.SKIPPED]


def test_a_retry_is_no_overlap_with_itself(system: GivenSystem) -> None:
    run = first_run(system, EVERY_MINUTE, retry_backoff_base=1)
    next_minute(system)
    record(system, claim_one(system), failed())
    system.clock.advance(2)
    assert dispatch(system) == 1
    assert stored_run(run.id).status is RunStatus.QUEUED


def test_one_jobs_run_is_no_overlap_for_another_job(system: GivenSystem) -> None:
    first_run(system, EVERY_MINUTE)
    first_run(system, EVERY_MINUTE)
    assert next_minute(system) == 2


def test_a_skipped_occurrence_does_not_count_as_a_start(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *", max_runs=2)).job_id
    for _ in range(3):
        next_minute(system)
    assert stored_job(job_id).runs_started == 1
    record(system, claim_one(system), succeeded())
    assert next_minute(system) == 1
    record(system, claim_one(system), succeeded())
    assert stored_job(job_id).state is JobState.COMPLETED


def test_a_job_whose_last_occurrence_is_skipped_ends_with_the_run_before(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *", ends_at=NOON + timedelta(seconds=121))).job_id
    next_minute(system)
    work = claim_one(system)
    assert next_minute(system) == 0
    assert stored_job(job_id).state is JobState.ACTIVE
    record(system, work, succeeded())
    assert stored_job(job_id).state is JobState.COMPLETED


# --- Pause -------------------------------------------------------------------------------------------------


def test_the_occurrences_of_a_paused_job_are_skipped(system: GivenSystem) -> None:
    job_id = first_run(system, EVERY_MINUTE).job_id
    job_service.pause(LOCAL, system, job_id)
    assert [next_minute(system) for _ in range(3)] == [0, 0, 0]
    skipped = runs_of(job_id)[:3]
    assert {(run.status, run.reason) for run in skipped} == {(RunStatus.SKIPPED, "paused")}
    job_service.resume(LOCAL, system, job_id)
    assert next_minute(system) == 1, "and those after the resume run"
    assert claim_one(system).run_id == runs_of(job_id)[3].id


def test_a_job_whose_last_occurrence_is_skipped_for_a_pause_ends(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *", ends_at=NOON + timedelta(seconds=61))).job_id
    job_service.pause(LOCAL, system, job_id)
    next_minute(system)
    assert stored_job(job_id).state is JobState.COMPLETED


@pytest.mark.parametrize("schedule", [DelayFromNow(60), RunAt(NOON + timedelta(seconds=60))])
def test_the_run_of_a_paused_one_shot_is_held_until_it_is_resumed(system: GivenSystem, schedule: Schedule) -> None:
    run = first_run(system, schedule)
    job_service.pause(LOCAL, system, run.job_id)
    system.clock.advance(60)
    assert dispatch(system) == 0
    stored = stored_run(run.id)
    assert (stored.status, stored.held_by) == (RunStatus.QUEUED, Hold.PAUSED)
    assert system.doorbell.heard() == []
    assert claim(system) == []
    job_service.resume(LOCAL, system, run.job_id)
    assert system.doorbell.heard() == [Ring(run.id, "runs.http")]
    assert claim_one(system).run_id == run.id


def test_the_next_poll_of_a_paused_job_is_held_until_it_is_resumed(system: GivenSystem) -> None:
    run = first_run(system, Polling(60))
    record(system, claim_one(system), polled({}))
    following = runs_of(run.job_id)[1]
    job_service.pause(LOCAL, system, run.job_id)
    system.doorbell.heard()
    system.clock.advance(60)
    assert dispatch(system) == 0
    assert stored_run(following.id).held_by is Hold.PAUSED
    job_service.resume(LOCAL, system, run.job_id)
    assert system.doorbell.heard() == [Ring(following.id, "runs.http")]
    assert claim_one(system).run_id == following.id


@pytest.mark.parametrize("schedule", [EVERY_MINUTE, DelayFromNow(60), Polling(60)])
def test_a_retry_of_a_paused_job_is_held(system: GivenSystem, schedule: Schedule) -> None:
    """An occurrence that has begun is not skipped: it goes on after the resume."""
    run = first_run(system, schedule, retry_backoff_base=1)
    system.clock.advance(60)
    dispatch(system)
    record(system, claim_one(system), failed())
    job_service.pause(LOCAL, system, run.job_id)
    system.clock.advance(2)
    assert dispatch(system) == 0
    assert stored_run(run.id).held_by is Hold.PAUSED
    job_service.resume(LOCAL, system, run.job_id)
    assert claim_one(system).run_id == run.id


def test_a_job_resumed_before_its_instant_runs_at_it(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(60))
    job_service.pause(LOCAL, system, run.job_id)
    system.clock.advance(30)
    job_service.resume(LOCAL, system, run.job_id)
    assert dispatch(system) == 0
    system.clock.advance(30)
    assert dispatch(system) == 1


# --- Cancel ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [DelayFromNow(60), EVERY_MINUTE])
def test_a_job_cancelled_before_its_instant_never_runs(system: GivenSystem, schedule: Schedule) -> None:
    run = first_run(system, schedule)
    job_service.cancel(LOCAL, system, run.job_id)
    for _ in range(3):
        assert next_minute(system) == 0
    assert claim(system) == []
    assert set(statuses(run.job_id)) == {RunStatus.CANCELLED}
    assert system.doorbell.heard() == []


def test_a_run_cancelled_between_look_and_grasp_is_not_made_due(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(1))
    seen = [run_id for run_id, _ in dispatching.due_soon(system)]
    system.clock.advance(1)
    job_service.cancel(LOCAL, system, run.job_id)
    assert dispatching.make_due(system, seen) == 0
    assert stored_run(run.id).status is RunStatus.CANCELLED


def test_a_creation_due_at_once_or_soon_rings_for_itself_and_a_later_one_does_not(system: GivenSystem) -> None:
    at_once, soon = first_run(system), first_run(system, DelayFromNow(2))
    first_run(system, DelayFromNow(2.1))
    assert system.doorbell.heard() == [
        Ring(at_once.id, "runs.http"),
        Ring(soon.id, "runs.http", NOON + timedelta(seconds=2)),
    ]


def test_a_job_locked_by_a_slow_change_is_waited_for_and_then_judged_by_it(postgresql: str) -> None:
    """The pause commits while the dispatcher waits for the job: the run is held, not queued."""
    system = given_system()
    run = first_run(system, DelayFromNow(1))
    system.clock.advance(1)

    def race(number: int) -> int:
        if number == 0:
            job_service.pause(LOCAL, system, run.job_id)
            return 0
        return dispatch(system)

    in_threads(2, race)
    stored = stored_run(run.id)
    assert (stored.status, stored.held_by) == (RunStatus.QUEUED, Hold.PAUSED)
    assert claim(system) == []


def test_a_job_that_is_not_there_is_no_reason_to_stop(system: GivenSystem) -> None:
    assert job_queries.lock([]) == {}
    assert rescue.take_back(system, [NOWHERE], only_expired=True) == 0
    job_service.create(LOCAL, system, new_job())
    assert claim_one(system).attempt == 1
