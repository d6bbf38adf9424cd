"""Delete: a job is out of sight at once, never runs again, and goes with its history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.errors import NotFound
from core.principals import LOCAL
from core.schedules import DelayFromNow, Immediate, Polling
from core.states import JobState, RunStatus
from models.tables import Job, JobTag, JobVersion, PollingState, Run
from services.jobs import definition, editing, lifecycle
from services.maintenance import pruning
from services.reading import records
from services.scheduling import dispatching
from tests.factories import (
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
    succeeded,
)
from tests.integration.execution.attempting import attempt


@pytest.mark.parametrize("schedule", [Immediate(), DelayFromNow(60)])
def test_a_deleted_job_is_gone_and_never_runs(system: GivenSystem, schedule: Any) -> None:
    run = first_run(system, schedule)
    editing.delete(LOCAL, system, run.job_id)
    with pytest.raises(NotFound):
        records.job(LOCAL, run.job_id)
    for action in (lifecycle.cancel, lifecycle.pause, lifecycle.resume, editing.delete):
        with pytest.raises(NotFound):
            action(LOCAL, system, run.job_id)
    assert (stored_run(run.id).status, stored_run(run.id).reason) == (RunStatus.CANCELLED, "job deleted")
    assert (stored_job(run.job_id).state, claim(system)) == (JobState.CANCELLED, [])


def test_a_run_of_a_deleted_job_that_is_under_way_may_finish(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    work = claim_one(system)
    editing.delete(LOCAL, system, run.job_id)
    assert stored_run(run.id).cancel_requested_at is None
    record(system, work, polled({"page": 2}))
    assert [one.status for one in runs_of(run.job_id)] == [RunStatus.COMPLETED], "and no poll follows"


def test_a_run_of_a_deleted_job_is_not_tried_again(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    editing.delete(LOCAL, system, run.job_id)
    record(system, work, failed())
    system.clock.advance(600)
    assert dispatching.make_due(system, [run.id]) == 0
    assert (stored_run(run.id).status, stored_run(run.id).reason) == (RunStatus.FAILED, "job ended")


def test_a_deleted_job_goes_with_its_history(system: GivenSystem) -> None:
    run = first_run(system, Polling(30), tags=("a",))
    attempt(system, polled({"page": 2}))
    editing.edit(
        LOCAL, system, run.job_id, lambda view: replace(definition.of(stored_job(view.id), view.tags), data=None)
    )
    editing.delete(LOCAL, system, run.job_id)
    system.clock.advance(31 * 86_400)
    sum(pruning.sweep(system))
    for table in (Job, JobTag, JobVersion, PollingState, Run):
        assert table.select().count() == 0


def test_a_job_that_had_ended_keeps_its_end_when_it_is_deleted(system: GivenSystem) -> None:
    run = first_run(system)
    attempt(system, succeeded())
    editing.delete(LOCAL, system, run.job_id)
    assert stored_job(run.job_id).state is JobState.COMPLETED
