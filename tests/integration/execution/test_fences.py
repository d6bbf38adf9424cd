"""Results that come too late, twice, or together with others."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.schedules import Polling
from core.states import RunStatus
from services.execution import recording
from services.execution.recording import NotRecorded
from services.execution.work import Result
from services.maintenance import rescues
from services.scheduling.run_endings import RunOutcome
from tests.factories import (
    GivenSystem,
    attempts_at,
    claim_one,
    failed,
    first_run,
    polled,
    record,
    refused,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.execution.attempting import CANCELLED, LEASE_SECONDS, SHUTDOWN, make_due_again

ALL_ENDS: list[Result] = [succeeded(), failed(), refused(), refused(410), CANCELLED, SHUTDOWN]


def everything(job_id: UUID) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """All that is stored of a job, its runs and attempts."""
    found = runs_of(job_id)
    attempts = [dict(tried.__data__) for run in found for tried in attempts_at(run.id)]
    return dict(stored_job(job_id).__data__), [dict(run.__data__) for run in found], attempts


@pytest.mark.parametrize("result", [*ALL_ENDS, polled({"n": 1}, done=True)])
def test_a_result_that_comes_too_late_changes_nothing(system: GivenSystem, result: Result) -> None:
    run = first_run(system, Polling(30), max_retries=9)
    late = claim_one(system)
    system.clock.advance(LEASE_SECONDS + 1)
    assert rescues.rescue(system) == 1
    before = everything(run.job_id)
    assert record(system, late, result) is None
    assert everything(run.job_id) == before
    make_due_again(system, run.id)
    claim_one(system)
    before = everything(run.job_id)
    system.doorbell.heard()
    assert record(system, late, result) is None
    assert everything(run.job_id) == before
    assert system.doorbell.heard() == []


@pytest.mark.parametrize("result", ALL_ENDS)
def test_a_result_recorded_twice_counts_once(system: GivenSystem, result: Result) -> None:
    run = first_run(system, max_retries=0)
    work = claim_one(system)
    assert record(system, work, succeeded()) is not None
    before = everything(run.job_id)
    assert record(system, work, result) is None
    assert everything(run.job_id) == before


def test_a_refused_result_does_not_touch_those_recorded_with_it(system: GivenSystem) -> None:
    late_run, run = first_run(system, priority=9), first_run(system)
    late, work = claim_one(system), claim_one(system)
    record(system, late, SHUTDOWN)
    assert recording.record(system, [(late, succeeded()), (work, succeeded())]) == [
        NotRecorded.STALE_FENCE,
        RunOutcome(RunStatus.COMPLETED),
    ]
    assert (stored_run(late_run.id).status, stored_run(run.id).status) == (RunStatus.QUEUED, RunStatus.COMPLETED)


def test_results_recorded_together_have_each_their_own_end(system: GivenSystem) -> None:
    made = [first_run(system, priority=9 - number) for number in range(3)]
    works = [claim_one(system) for _ in made]
    ends = recording.record(system, [(works[2], refused()), (works[0], succeeded()), (works[1], failed())])
    assert [end.status for end in ends if isinstance(end, RunOutcome)] == [
        RunStatus.FAILED,
        RunStatus.COMPLETED,
        RunStatus.RETRYING,
    ]
    assert [stored_run(run.id).status for run in made] == [RunStatus.COMPLETED, RunStatus.RETRYING, RunStatus.FAILED]
