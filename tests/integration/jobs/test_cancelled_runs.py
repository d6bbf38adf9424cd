"""Cancel one run."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core.errors import Conflict, NotFound
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Polling, Schedule
from core.states import JobState, JobStatus, RunStatus
from services.jobs import creating, run_actions
from services.reading import records
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    first_run,
    new_job,
    record,
    runs_of,
    stored_job,
    stored_run,
)
from tests.integration.execution.attempting import CANCELLED
from tests.integration.jobs.requesting import make_due


@pytest.mark.parametrize("schedule", [None, DelayFromNow(60), Polling(30)])
def test_the_cancel_of_its_only_run_ends_a_job(system: GivenSystem, schedule: Schedule | None) -> None:
    run = first_run(system, schedule)
    view = run_actions.cancel(LOCAL, system, run.id)
    assert (view.status, view.reason, view.finished_at) == (RunStatus.CANCELLED, "run cancelled", NOON)
    assert (records.job(LOCAL, run.job_id).status, claim(system)) == (JobStatus.CANCELLED, [])
    with pytest.raises(Conflict, match="cancelled"):
        run_actions.cancel(LOCAL, system, run.id)


def test_a_job_that_comes_back_goes_on_without_a_cancelled_run(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron("* * * * *")))
    first, second = runs_of(job_id)
    run_actions.cancel(LOCAL, system, first.id)
    system.clock.advance(120)
    make_due(system)
    assert claim_one(system).run_id == second.id
    assert records.job(LOCAL, job_id).status is JobStatus.RUNNING


def test_a_run_that_is_running_is_asked_to_stop(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    assert run_actions.cancel(LOCAL, system, run.id).status is RunStatus.RUNNING
    assert stored_run(run.id).cancel_requested_at == NOON
    record(system, work, CANCELLED)
    assert (stored_run(run.id).status, stored_job(run.job_id).state) == (RunStatus.CANCELLED, JobState.CANCELLED)


def test_the_cancel_of_a_run_that_is_not_there_is_refused(system: GivenSystem) -> None:
    with pytest.raises(NotFound, match="run"):
        run_actions.cancel(LOCAL, system, uuid4())
