"""A run that expires ends, whatever befell it when its deadline passed; none is left behind that nobody may claim."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from core.attempt_endings import TOO_LATE
from core.errors import AbortReason
from core.principals import LOCAL
from core.schedules import Interval, RunAt
from core.states import JobState, RunStatus
from services.execution.work import Result, Stopped
from services.jobs import creating, definition, editing, requested_runs
from services.reading.views import JobView
from services.scheduling import dispatching, overdue
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    failed,
    new_job,
    record,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)

SOON = RunAt(NOON + timedelta(seconds=5))
IN_TEN_SECONDS = NOON + timedelta(seconds=10)


def make_due(system: GivenSystem) -> None:
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def let_it_expire(system: GivenSystem, job_id: UUID) -> None:
    def amend(view: JobView) -> definition.Definition:
        return replace(definition.of(stored_job(job_id), view.tags), expire=True)

    editing.edit(LOCAL, system, job_id, amend)


@pytest.mark.parametrize("result", [failed(), Stopped(AbortReason.SHUTDOWN)])
def test_one_that_expired_while_it_ran_is_not_left_for_another_try(system: GivenSystem, result: Result) -> None:
    creating.create(LOCAL, system, new_job(Interval(every_seconds=60), deadline_seconds=10.0, expire=True))
    make_due(system)
    work = claim_one(system)
    system.clock.advance(11)
    overdue.watch_deadlines(system)
    record(system, work, result)
    run = stored_run(work.run_id)
    assert (run.status, run.reason) == (RunStatus.FAILED, TOO_LATE)
    assert (run.finished_at, claim(system)) == (system.clock.now(), [])


def test_one_whose_deadline_passed_before_an_edit_let_it_expire_is_dropped(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(SOON, deadline_at=IN_TEN_SECONDS))
    system.clock.advance(11)
    make_due(system)
    overdue.watch_deadlines(system)
    let_it_expire(system, job_id)
    overdue.watch_deadlines(system)
    assert claim(system) == []
    assert runs_of(job_id)[0].finished_at == system.clock.now()


def test_one_requested_after_the_deadline_had_passed_is_not_dropped_when_an_edit_lets_runs_expire(
    system: GivenSystem,
) -> None:
    job_id = creating.create(LOCAL, system, new_job(SOON, deadline_at=IN_TEN_SECONDS, max_retries=0))
    system.clock.advance(5)
    make_due(system)
    record(system, claim_one(system), failed())
    system.clock.advance(10)
    requested_runs.retry(LOCAL, system, job_id)
    let_it_expire(system, job_id)
    overdue.watch_deadlines(system)
    [_, again] = runs_of(job_id)
    assert (again.status, again.deadline_at, again.expire) == (RunStatus.QUEUED, None, False)
    assert (again.job_version, claim_one(system).run_id) == (2, again.id)


def test_one_whose_deadline_is_ahead_expires_by_the_edit_at_its_own_deadline(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(SOON, deadline_at=IN_TEN_SECONDS))
    let_it_expire(system, job_id)
    [run] = runs_of(job_id)
    assert (run.deadline_at, run.expire) == (IN_TEN_SECONDS, True)


def test_a_job_that_completes_after_one_run_expired_does_not_say_that_it_was_too_late(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(SOON, deadline_at=IN_TEN_SECONDS, expire=True))
    requested_runs.trigger(LOCAL, system, job_id)
    work = claim_one(system)
    system.clock.advance(11)
    make_due(system)
    overdue.watch_deadlines(system)
    record(system, work, succeeded())
    job = stored_job(job_id)
    assert (job.state, job.end_reason) == (JobState.COMPLETED, None)
