"""What bounds a schedule: acceptance, starts_at, ends_at, max_runs, and the end of its job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from core.errors import InvalidInput
from core.principals import LOCAL
from core.states import JobState, RunStatus
from models import database
from models.tables import Job, Run
from services.execution import claiming, workers
from services.jobs import lifecycle
from services.scheduling import dispatching, planning
from tests.factories import (
    NOON,
    GivenSystem,
    record,
    runs_of,
    stored_job,
    succeeded,
)
from tests.integration.scheduling.planned import in_minutes, made, minutes, plan_all


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
    """Advance by ten minutes, executing each run as it comes due. Returns the minutes for which the job ran."""
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
    lifecycle.cancel(LOCAL, system, job_id)
    system.clock.advance(600)
    assert planning.plan(system) == 0
    assert {run.status for run in runs_of(job_id)} == {RunStatus.CANCELLED}
