"""What becomes of runs that are dispatched while their job is paused, or after it is cancelled."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Polling, RunAt, Schedule
from core.states import Hold, JobState, RunStatus
from services.jobs import lifecycle
from services.messaging.doorbell import Ring
from services.scheduling import dispatching
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    polled,
    record,
    runs_of,
    stored_job,
    stored_run,
)
from tests.integration.scheduling.dispatcher import EVERY_MINUTE, dispatch, next_minute, statuses


def test_the_occurrences_of_a_paused_job_are_skipped(system: GivenSystem) -> None:
    job_id = first_run(system, EVERY_MINUTE).job_id
    lifecycle.pause(LOCAL, system, job_id)
    assert [next_minute(system) for _ in range(3)] == [0, 0, 0]
    skipped = runs_of(job_id)[:3]
    assert {(run.status, run.reason) for run in skipped} == {(RunStatus.SKIPPED, "paused")}
    lifecycle.resume(LOCAL, system, job_id)
    assert next_minute(system) == 1, "and those after the resume run"
    assert claim_one(system).run_id == runs_of(job_id)[3].id


def test_a_job_whose_last_occurrence_is_skipped_for_a_pause_ends(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *", ends_at=NOON + timedelta(seconds=61))).job_id
    lifecycle.pause(LOCAL, system, job_id)
    next_minute(system)
    assert stored_job(job_id).state is JobState.COMPLETED


@pytest.mark.parametrize("schedule", [DelayFromNow(60), RunAt(NOON + timedelta(seconds=60))])
def test_the_run_of_a_paused_one_shot_is_held_until_it_is_resumed(system: GivenSystem, schedule: Schedule) -> None:
    run = first_run(system, schedule)
    lifecycle.pause(LOCAL, system, run.job_id)
    system.clock.advance(60)
    assert dispatch(system) == 0
    stored = stored_run(run.id)
    assert (stored.status, stored.held_by) == (RunStatus.QUEUED, Hold.PAUSED)
    assert system.doorbell.heard() == []
    assert claim(system) == []
    lifecycle.resume(LOCAL, system, run.job_id)
    assert system.doorbell.heard() == [Ring(run.id, "runs.http")]
    assert claim_one(system).run_id == run.id


def test_the_next_poll_of_a_paused_job_is_held_until_it_is_resumed(system: GivenSystem) -> None:
    run = first_run(system, Polling(60))
    record(system, claim_one(system), polled({}))
    following = runs_of(run.job_id)[1]
    lifecycle.pause(LOCAL, system, run.job_id)
    system.doorbell.heard()
    system.clock.advance(60)
    assert dispatch(system) == 0
    assert stored_run(following.id).held_by is Hold.PAUSED
    lifecycle.resume(LOCAL, system, run.job_id)
    assert system.doorbell.heard() == [Ring(following.id, "runs.http")]
    assert claim_one(system).run_id == following.id


@pytest.mark.parametrize("schedule", [EVERY_MINUTE, DelayFromNow(60), Polling(60)])
def test_a_retry_of_a_paused_job_is_held(system: GivenSystem, schedule: Schedule) -> None:
    """An occurrence that has begun is not skipped: it goes on after the resume."""
    run = first_run(system, schedule, retry_backoff_base=1)
    system.clock.advance(60)
    dispatch(system)
    record(system, claim_one(system), failed())
    lifecycle.pause(LOCAL, system, run.job_id)
    system.clock.advance(2)
    assert dispatch(system) == 0
    assert stored_run(run.id).held_by is Hold.PAUSED
    lifecycle.resume(LOCAL, system, run.job_id)
    assert claim_one(system).run_id == run.id


def test_a_job_resumed_before_its_instant_runs_at_it(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(60))
    lifecycle.pause(LOCAL, system, run.job_id)
    system.clock.advance(30)
    lifecycle.resume(LOCAL, system, run.job_id)
    assert dispatch(system) == 0
    system.clock.advance(30)
    assert dispatch(system) == 1


# --- Cancel ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [DelayFromNow(60), EVERY_MINUTE])
def test_a_job_cancelled_before_its_instant_never_runs(system: GivenSystem, schedule: Schedule) -> None:
    run = first_run(system, schedule)
    lifecycle.cancel(LOCAL, system, run.job_id)
    for _ in range(3):
        assert next_minute(system) == 0
    assert claim(system) == []
    assert set(statuses(run.job_id)) == {RunStatus.CANCELLED}
    assert system.doorbell.heard() == []


def test_a_run_cancelled_between_look_and_grasp_is_not_made_due(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(1))
    seen = [run_id for run_id, _ in dispatching.due_soon(system)]
    system.clock.advance(1)
    lifecycle.cancel(LOCAL, system, run.job_id)
    assert dispatching.make_due(system, seen) == 0
    assert stored_run(run.id).status is RunStatus.CANCELLED
