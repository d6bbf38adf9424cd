"""Attempts that were stopped: handed back at shutdown, or cancelled under way."""

from __future__ import annotations

import pytest

from core.principals import LOCAL
from core.schedules import Polling
from core.states import Hold, JobState, Outcome, RunStatus
from services.execution.work import Result
from services.jobs import lifecycle
from services.scheduling.run_endings import RunOutcome
from tests.factories import (
    NOON,
    GivenSystem,
    attempts_at,
    claim,
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
from tests.integration.execution.attempting import CANCELLED, SHUTDOWN, attempt


def test_a_run_handed_back_costs_nothing_and_is_claimable_at_once(system: GivenSystem) -> None:
    run = first_run(system, max_retries=0)
    for number in range(1, 6):
        work, outcome = attempt(system, SHUTDOWN)
        assert (work.attempt, outcome) == (number, RunOutcome(RunStatus.QUEUED))
    stored = stored_run(run.id)
    assert (stored.status, stored.failure_count, stored.loss_count) == (RunStatus.QUEUED, 0, 0)
    assert {tried.outcome for tried in attempts_at(run.id)} == {Outcome.RELEASED}
    attempt(system, succeeded())
    assert stored_run(run.id).status is RunStatus.COMPLETED


def test_a_run_handed_back_while_its_job_is_paused_is_held(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    record(system, work, SHUTDOWN)
    assert claim(system) == []
    assert stored_run(run.id).held_by is Hold.PAUSED
    system.doorbell.heard()
    lifecycle.resume(LOCAL, system, run.job_id)
    assert [ring.run_id for ring in system.doorbell.heard()] == [run.id]
    assert claim_one(system).run_id == run.id


def test_a_cancel_while_running_ends_the_attempt_as_cancelled(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    assert stored_run(run.id).status is RunStatus.RUNNING
    assert stored_run(run.id).cancel_requested_at == NOON
    assert record(system, work, CANCELLED) == RunOutcome(RunStatus.CANCELLED)
    stored = stored_run(run.id)
    assert (stored.status, stored.error_type, stored.fence) == (RunStatus.CANCELLED, "cancelled", work.fence + 1)
    [tried] = attempts_at(run.id)
    assert (tried.outcome, tried.error_type) == (Outcome.FAILED, "cancelled")
    assert stored_job(run.job_id).state is JobState.CANCELLED


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (succeeded(), RunStatus.COMPLETED),  # it was through before the cancel reached it
        (failed(), RunStatus.CANCELLED),  # not tried again
        (refused(), RunStatus.CANCELLED),
        (SHUTDOWN, RunStatus.CANCELLED),  # not handed back
    ],
)
def test_whatever_ends_an_attempt_after_the_cancel_nothing_follows(
    system: GivenSystem, result: Result, status: RunStatus
) -> None:
    run = first_run(system)
    work = claim_one(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    system.doorbell.heard()
    assert record(system, work, result) == RunOutcome(status)
    assert stored_run(run.id).status is status
    assert stored_job(run.job_id).state is JobState.CANCELLED
    assert system.doorbell.heard() == []


def test_no_poll_follows_one_that_was_cancelled_under_way(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    work = claim_one(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    outcome = record(system, work, polled({"n": 1}))
    assert outcome == RunOutcome(RunStatus.COMPLETED)
    assert len(runs_of(run.job_id)) == 1
