"""Trigger and retry: a new run of a job, on request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from core.errors import Conflict, NotFailed, NotFound
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Interval, Polling, RunAt, Schedule
from core.states import Hold, JobStatus, RunStatus, Trigger
from services.jobs import creating, definition, editing, lifecycle, requested_runs
from services.messaging.doorbell import Ring
from services.reading import records
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    new_job,
    polled,
    record,
    refused,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.execution.attempting import CANCELLED, attempt, make_due_again
from tests.integration.jobs.requesting import failed_job, make_due

LATER = NOON + timedelta(hours=1)


# --- Trigger -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [RunAt(LATER), Cron("0 13 * * *"), Interval(every_seconds=600, starts_at=LATER)])
def test_a_trigger_runs_a_job_now_and_leaves_its_schedule_alone(system: GivenSystem, schedule: Schedule) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedule))
    view = requested_runs.trigger(LOCAL, system, job_id)
    assert (view.trigger, view.scheduled_for, view.status) == (Trigger.MANUAL, NOON, RunStatus.QUEUED)
    assert system.doorbell.heard() == [Ring(view.id, "runs.http")]
    assert records.job(LOCAL, job_id).status is JobStatus.QUEUED
    work = claim_one(system)
    assert (work.run_id, work.data) == (view.id, {"some_key": "some_value"})
    record(system, work, succeeded())
    shown = records.job(LOCAL, job_id)
    assert (shown.status, shown.next_run_at) == (JobStatus.PENDING, LATER)


@pytest.mark.parametrize("data", [{"n": 1}, {}])
def test_a_trigger_may_bring_other_data_for_its_run_alone(system: GivenSystem, data: dict[str, Any]) -> None:
    run = first_run(system, DelayFromNow(10))
    requested_runs.trigger(LOCAL, system, run.job_id, data)
    work, _ = attempt(system, failed())
    assert work.data == data
    make_due_again(system, work.run_id)
    assert {one.run_id: one.data for one in claim(system)} == {work.run_id: data}
    make_due(system)
    assert stored_job(run.job_id).data == {"some_key": "some_value"}


def test_two_triggers_at_one_moment_are_two_runs(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(RunAt(LATER)))
    made = {requested_runs.trigger(LOCAL, system, job_id).id for _ in range(2)}
    assert {work.run_id for work in claim(system)} == made


def test_an_occurrence_sees_a_triggered_run_as_going(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron("* * * * *")))
    requested_runs.trigger(LOCAL, system, job_id)
    system.clock.advance(60)
    make_due(system)
    assert [(run.trigger, run.status) for run in runs_of(job_id)][:2] == [
        (Trigger.MANUAL, RunStatus.QUEUED),
        (Trigger.SCHEDULE, RunStatus.SKIPPED),
    ]


def test_a_trigger_is_not_kept_from_running_by_a_run_that_is_going(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=60)))
    make_due(system)
    claim_one(system)
    view = requested_runs.trigger(LOCAL, system, job_id)
    assert claim_one(system).run_id == view.id


def test_the_triggered_run_of_a_paused_job_is_held(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(RunAt(LATER)))
    lifecycle.pause(LOCAL, system, job_id)
    view = requested_runs.trigger(LOCAL, system, job_id)
    assert (view.held_by, system.doorbell.heard(), claim(system)) == (Hold.PAUSED, [], [])
    lifecycle.resume(LOCAL, system, job_id)
    assert claim_one(system).run_id == view.id


def test_a_triggered_run_counts_towards_no_max_runs(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=60, max_runs=1, starts_at=LATER)))
    requested_runs.trigger(LOCAL, system, job_id)
    attempt(system, succeeded())
    assert (stored_job(job_id).runs_started, records.job(LOCAL, job_id).status) == (0, JobStatus.PENDING)


def test_a_polling_job_has_one_poll_at_a_time(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    for begin in (lambda: None, lambda: claim_one(system)):
        begin()
        with pytest.raises(Conflict, match="one poll at a time"):
            requested_runs.trigger(LOCAL, system, run.job_id)
    assert len(runs_of(run.job_id)) == 1


def test_a_job_that_has_ended_or_is_not_there_cannot_be_triggered(system: GivenSystem) -> None:
    with pytest.raises(Conflict, match="failed"):
        requested_runs.trigger(LOCAL, system, failed_job(system))
    with pytest.raises(NotFound):
        requested_runs.trigger(LOCAL, system, uuid4())


# --- Retry -------------------------------------------------------------------------------------------------


def test_a_retry_is_a_new_run_in_place_of_the_one_that_failed(system: GivenSystem) -> None:
    job_id = failed_job(system, max_retries=1)
    [old] = runs_of(job_id)
    run_id = requested_runs.retry(LOCAL, system, job_id)
    new = stored_run(run_id)
    assert (new.trigger, new.retry_of, new.scheduled_for) == (Trigger.RETRY, old.id, NOON)
    assert (new.due_at, new.failure_count, new.attempt_count) == (system.clock.now(), 0, 0)
    assert system.doorbell.heard() == [Ring(run_id, "runs.http")]
    shown = records.job(LOCAL, job_id)
    assert (shown.status, shown.finished_at, shown.end_reason) == (JobStatus.QUEUED, None, None)
    work, outcome = attempt(system, failed())
    assert (work.run_id, outcome.status) == (run_id, RunStatus.RETRYING), "its failures count anew"
    make_due_again(system, run_id)
    attempt(system, succeeded())
    assert records.job(LOCAL, job_id).status is JobStatus.COMPLETED


def test_a_retry_that_fails_can_be_retried(system: GivenSystem) -> None:
    job_id = failed_job(system)
    first = requested_runs.retry(LOCAL, system, job_id)
    attempt(system, refused())
    assert stored_run(requested_runs.retry(LOCAL, system, job_id)).retry_of == first


def test_a_retry_goes_by_the_data_of_the_run_that_failed(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(10))
    requested_runs.trigger(LOCAL, system, run.job_id, {"n": 1})
    system.clock.advance(10)
    make_due(system)
    for work in sorted(claim(system), key=lambda work: work.data == {"n": 1}):
        record(system, work, refused())
        system.clock.advance(1)
    requested_runs.retry(LOCAL, system, run.job_id)
    assert claim_one(system).data == {"n": 1}


def test_polling_goes_on_from_its_state_when_it_is_retried(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    attempt(system, polled({"page": 2}))
    make_due_again(system, runs_of(run.job_id)[1].id)
    attempt(system, refused())
    run_id = requested_runs.retry(LOCAL, system, run.job_id)
    work, _ = attempt(system, polled({"page": 3}))
    assert (work.run_id, work.polling_state) == (run_id, {"page": 2})
    following = next(one for one in runs_of(run.job_id) if one.status is RunStatus.PENDING)
    assert (following.trigger, following.due_at) == (Trigger.POLL, system.clock.now() + timedelta(seconds=30))
    make_due_again(system, following.id)
    assert claim_one(system).polling_state == {"page": 3}


@pytest.mark.parametrize("schedule", [Polling(30, max_polls=1), Polling(30, give_up_after_seconds=20)])
def test_polling_that_gave_up_has_its_whole_patience_again_when_it_is_retried(
    system: GivenSystem, schedule: Polling
) -> None:
    run = first_run(system, schedule)
    attempt(system, polled({"page": 2}))
    assert records.job(LOCAL, run.job_id).status is JobStatus.FAILED
    system.clock.advance(60)
    requested_runs.retry(LOCAL, system, run.job_id)
    assert stored_job(run.job_id).polls == 0
    work, _ = attempt(system, polled({"page": 3}, next_in_seconds=5))
    assert work.polling_state == {"page": 2}
    shown = records.job(LOCAL, run.job_id)
    if schedule.max_polls is None:
        assert (shown.status, shown.end_reason) == (JobStatus.PENDING, None)
    else:
        assert (shown.status, shown.polls) == (JobStatus.FAILED, 1)


def test_a_deadline_that_has_passed_does_not_keep_a_retry_from_running(system: GivenSystem) -> None:
    job_id = failed_job(system, deadline_at=NOON + timedelta(seconds=30), expire=True)
    run_id = requested_runs.retry(LOCAL, system, job_id)
    assert (stored_run(run_id).deadline_at, stored_run(run_id).expire) == (None, False)
    editing.edit(LOCAL, system, job_id, lambda view: replace(definition.of(stored_job(job_id), view.tags), data=None))
    assert (stored_run(run_id).deadline_at, stored_run(run_id).job_version) == (None, 2)


@pytest.mark.parametrize("result", [None, succeeded(), CANCELLED])
def test_only_failed_jobs_can_be_retried(system: GivenSystem, result: Any) -> None:
    run = first_run(system)
    if result is not None:
        attempt(system, result)
    with pytest.raises(NotFailed, match=r"^Only failed jobs can be retried\.$"):
        requested_runs.retry(LOCAL, system, run.job_id)
    editing.delete(LOCAL, system, run.job_id)
    with pytest.raises(NotFound):
        requested_runs.retry(LOCAL, system, run.job_id)
