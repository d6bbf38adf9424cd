"""Replay: a new run repeats a dead one."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core.errors import Conflict, NotFound
from core.principals import LOCAL
from core.schedules import Interval, Polling
from core.states import JobState, JobStatus, RunStatus, Trigger
from services.jobs import creating, editing, lifecycle, requested_runs
from services.reading import records
from tests.factories import (
    GivenSystem,
    claim_one,
    failed,
    first_run,
    new_job,
    polled,
    refused,
    runs_of,
    stored_job,
    succeeded,
)
from tests.integration.execution.attempting import attempt, make_due_again
from tests.integration.jobs.requesting import failed_job, make_due


def test_a_replay_reopens_a_one_shot(system: GivenSystem) -> None:
    job_id = failed_job(system)
    [dead] = runs_of(job_id)
    view = requested_runs.replay(LOCAL, system, dead.id)
    assert (view.retry_of, view.trigger, records.job(LOCAL, job_id).status) == (
        dead.id,
        Trigger.RETRY,
        JobStatus.QUEUED,
    )
    with pytest.raises(Conflict, match="is being replayed"):
        requested_runs.replay(LOCAL, system, dead.id)
    attempt(system, succeeded())
    assert records.job(LOCAL, job_id).status is JobStatus.COMPLETED
    assert requested_runs.replay(LOCAL, system, dead.id).retry_of == dead.id, "once that is over, it may be again"


def test_a_replay_for_a_job_that_comes_back_leaves_its_schedule_alone(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=60)))
    make_due(system)
    attempt(system, refused())
    before = stored_job(job_id).next_run_at
    dead = runs_of(job_id)[0]
    system.clock.advance(10)
    view = requested_runs.replay(LOCAL, system, dead.id)
    assert claim_one(system).scheduled_for == dead.scheduled_for == view.scheduled_for
    assert (stored_job(job_id).state, stored_job(job_id).next_run_at) == (JobState.ACTIVE, before)


def test_a_schedule_that_has_ended_shows_its_replays_and_ends_again(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=60, max_runs=1), max_retries=1))
    make_due(system)
    attempt(system, refused())
    assert records.job(LOCAL, job_id).status is JobStatus.COMPLETED
    view = requested_runs.replay(LOCAL, system, runs_of(job_id)[0].id)
    assert records.job(LOCAL, job_id).status is JobStatus.QUEUED
    attempt(system, failed())
    make_due_again(system, view.id)
    attempt(system, succeeded())
    shown = records.job(LOCAL, job_id)
    assert (shown.status, shown.next_run_at, len(runs_of(job_id))) == (JobStatus.COMPLETED, None, 2)


def test_what_has_not_ended_or_is_not_there_cannot_be_replayed(system: GivenSystem) -> None:
    run = first_run(system)
    for again in (False, True):
        with pytest.raises(Conflict, match="queued; only one that has ended"):
            requested_runs.replay(LOCAL, system, run.id, again=again)
        with pytest.raises(NotFound, match="run"):
            requested_runs.replay(LOCAL, system, uuid4(), again=again)


def test_what_never_ran_is_not_replayed_but_backfilled(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=60)))
    lifecycle.pause(LOCAL, system, job_id)
    make_due(system)
    [skipped] = [run for run in runs_of(job_id) if run.status == RunStatus.SKIPPED]
    with pytest.raises(Conflict, match="is skipped: it never ran, so it cannot be replayed; backfill its occurrence"):
        requested_runs.replay(LOCAL, system, skipped.id, again=True)


def test_the_runs_of_a_cancelled_or_deleted_job_cannot_be_replayed(system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    with pytest.raises(Conflict, match="cancelled"):
        requested_runs.replay(LOCAL, system, run.id)
    editing.delete(LOCAL, system, run.job_id)
    with pytest.raises(NotFound, match="run"):
        requested_runs.replay(LOCAL, system, run.id)


def test_a_replay_never_forks_polling(system: GivenSystem) -> None:
    job_id = failed_job(system, Polling(30))
    [dead] = runs_of(job_id)
    requested_runs.retry(LOCAL, system, job_id)
    attempt(system, polled({}))
    with pytest.raises(Conflict, match="one poll at a time"):
        requested_runs.replay(LOCAL, system, dead.id)
