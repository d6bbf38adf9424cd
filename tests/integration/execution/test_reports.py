"""202 and report later: a run that no worker is at, and what its receiver says of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core import fingerprints
from core.errors import Conflict, InvalidInput, PermanentFailure, TransientFailure
from core.policies import Overlap
from core.principals import LOCAL
from core.receiver_answers import PollAnswer
from core.schedules import Cron, Polling
from core.states import JobState, JobStatus, Outcome, RunStatus
from services.execution import reports, workers
from services.execution.work import Deferred
from services.jobs import lifecycle, run_actions
from services.maintenance import rescues
from services.messaging.doorbell import Ring
from services.reading import records
from services.reading.explaining import explanations
from services.scheduling import dispatching
from tests.factories import (
    NOON,
    GivenSystem,
    attempts_at,
    claim_one,
    first_run,
    record,
    runs_of,
    stored_job,
    stored_run,
)
from tests.integration.execution.attempting import make_due_again
from tests.integration.execution.reporting import deferred, sender

LEASE = 60
HOUR = 3_600
DAY = 86_400
FAULT = TransientFailure("The printer is out of paper.")


# --- Waiting -----------------------------------------------------------------------------------------------


def test_a_run_answered_with_202_runs_on_and_says_that_it_waits(system: GivenSystem) -> None:
    run = first_run(system)
    assert not records.run(LOCAL, run.id)[0].waiting_for_report
    deferred(system)
    view, [attempt] = records.run(LOCAL, run.id)
    assert (view.status, view.waiting_for_report) == (RunStatus.RUNNING, True)
    assert (attempt.outcome, attempt.finished_at) == (None, None)
    assert stored_run(run.id).lease_expires_at == NOON + timedelta(seconds=LEASE)
    assert records.job(LOCAL, run.job_id).status is JobStatus.RUNNING


def test_a_waiting_run_says_by_when_it_is_to_be_heard_of(system: GivenSystem) -> None:
    run = first_run(system)
    deferred(system)
    answer = explanations.explain(LOCAL, system, run.job_id, NOON).answer
    assert answer.endswith("Its receiver answered 202, and is to report by 2026-11-20T12:01:00Z.")


def test_the_workers_heartbeat_does_not_renew_the_receivers_lease(system: GivenSystem) -> None:
    worker = workers.register(system)
    run = first_run(system)
    work = claim_one(system, worker)
    record(system, work, Deferred())
    system.clock.advance(30)
    assert workers.renew(system, worker, {run.id: work.fence}).runs == {}
    assert stored_run(run.id).lease_expires_at == NOON + timedelta(seconds=LEASE)


def test_silence_past_the_lease_is_a_failure_that_is_tried_again(system: GivenSystem) -> None:
    run = first_run(system, max_retries=1)
    deferred(system)
    system.clock.advance(LEASE)
    assert rescues.rescue(system) == 0
    system.clock.advance(0.001)
    assert rescues.rescue(system) == 1
    stored = stored_run(run.id)
    assert (stored.status, stored.failure_count, stored.loss_count) == (RunStatus.RETRYING, 1, 0)
    assert (stored.error_type, stored.reports_until) == ("transient", None)
    assert "let its lease run out" in str(stored.error_message)
    make_due_again(system, run.id)
    deferred(system)
    system.clock.advance(LEASE + 1)
    rescues.rescue(system)
    assert stored_run(run.id).status is RunStatus.FAILED
    assert stored_job(run.job_id).state is JobState.FAILED


def test_a_start_of_the_embedded_server_leaves_waiting_runs_alone(system: GivenSystem) -> None:
    waiting = first_run(system)
    work = deferred(system)
    at_work = first_run(system)
    claim_one(system)
    assert rescues.rescue_all(system) == 1
    assert stored_run(waiting.id).status is RunStatus.RUNNING
    assert stored_run(at_work.id).status is RunStatus.RETRYING
    assert reports.complete(system, sender(work), None, None).outcome is Outcome.SUCCEEDED


def test_a_waiting_run_counts_as_going(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *"), overlap=Overlap.SKIP).job_id
    system.clock.advance(60)
    dispatching.make_due(system, [run.id for run in runs_of(job_id)])
    deferred(system)
    system.clock.advance(60)
    dispatching.make_due(system, [run.id for run in runs_of(job_id)])
    assert [run.status for run in runs_of(job_id)][:2] == [RunStatus.RUNNING, RunStatus.SKIPPED]


# --- Cancel ------------------------------------------------------------------------------------------------


def cancel_run(system: GivenSystem, run_id: UUID) -> None:
    run_actions.cancel(LOCAL, system, run_id)


def cancel_job(system: GivenSystem, run_id: UUID) -> None:
    lifecycle.cancel(LOCAL, system, stored_run(run_id).job_id)


@pytest.mark.parametrize("cancel", [cancel_run, cancel_job])
def test_a_cancel_ends_a_waiting_run_at_once(system: GivenSystem, cancel: object) -> None:
    assert callable(cancel)
    run = first_run(system)
    work = deferred(system)
    cancel(system, run.id)
    stored = stored_run(run.id)
    assert (stored.status, stored.finished_at, stored.reports_until) == (RunStatus.CANCELLED, NOON, None)
    assert attempts_at(run.id)[0].error_type == "cancelled"
    assert stored_job(run.job_id).state is JobState.CANCELLED
    with pytest.raises(Conflict, match="has ended"):
        reports.complete(system, sender(work), None, None)


def test_an_occurrence_that_takes_its_place_ends_a_waiting_run_at_once(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *"), overlap=Overlap.CANCEL_PREVIOUS).job_id
    system.clock.advance(60)
    dispatching.make_due(system, [run.id for run in runs_of(job_id)])
    deferred(system)
    system.clock.advance(60)
    dispatching.make_due(system, [run.id for run in runs_of(job_id)])
    assert runs_of(job_id)[0].status is RunStatus.CANCELLED


def test_a_202_to_a_run_that_was_cancelled_meanwhile_ends_it(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    record(system, work, Deferred())
    assert stored_run(run.id).status is RunStatus.CANCELLED


# --- Heartbeats --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "lasts"), [(None, LEASE), (5, 5), (600, 600)])
def test_a_heartbeat_renews_the_lease_as_asked(system: GivenSystem, asked: float | None, lasts: float) -> None:
    run = first_run(system)
    work = deferred(system)
    now = system.clock.advance(50)
    lease = reports.heartbeat(system, sender(work), asked)
    assert (lease.attempt, lease.lease_expires_at) == (1, now + timedelta(seconds=lasts))
    assert stored_run(run.id).lease_expires_at == lease.lease_expires_at


def test_no_heartbeat_carries_a_run_past_its_total_limit(system: GivenSystem) -> None:
    run = first_run(system)
    work = deferred(system)
    system.clock.advance(40)
    for _ in range(24):  # one renews for an hour at most
        reports.heartbeat(system, sender(work), HOUR)
        system.clock.advance(HOUR - 1)
    assert stored_run(run.id).lease_expires_at == NOON + timedelta(seconds=DAY)
    system.clock.advance(HOUR)
    assert rescues.rescue(system) == 1
    assert "did not report the end" in str(stored_run(run.id).error_message)


def test_a_heartbeat_that_comes_before_the_202_holds_from_then_on(system: GivenSystem) -> None:
    run = first_run(system)
    worker = workers.register(system)
    work = claim_one(system, worker)
    reports.heartbeat(system, sender(work), 600)
    system.clock.advance(15)
    assert workers.renew(system, worker, {run.id: work.fence}).runs == {run.id: False}, "the worker is still at it"
    record(system, work, Deferred())
    assert stored_run(run.id).lease_expires_at == NOON + timedelta(seconds=600)


# --- The end -----------------------------------------------------------------------------------------------


def test_a_completion_ends_the_run_and_its_result_is_kept(system: GivenSystem) -> None:
    run = first_run(system)
    work = deferred(system)
    now = system.clock.advance(30)
    ended = reports.complete(system, sender(work), {"pages": 3}, None)
    assert (ended.attempt, ended.outcome, ended.finished_at) == (1, Outcome.SUCCEEDED, now)
    stored = stored_run(run.id)
    assert (stored.status, stored.result, stored.reports_until) == (RunStatus.COMPLETED, {"pages": 3}, None)
    assert stored_job(run.job_id).state is JobState.COMPLETED


def test_a_reported_failure_is_tried_again_and_rung_for(system: GivenSystem) -> None:
    run = first_run(system, retry_backoff_base=1.0)
    work = deferred(system)
    system.doorbell.heard()
    assert reports.fail(system, sender(work), FAULT).outcome is Outcome.FAILED
    stored = stored_run(run.id)
    assert (stored.status, stored.failure_count, stored.error_message) == (RunStatus.RETRYING, 1, FAULT.message)
    assert system.doorbell.heard() == [Ring(run.id, "runs.http", stored.due_at)]


def test_a_reported_failure_may_say_when_to_try_again(system: GivenSystem) -> None:
    run = first_run(system, retry_backoff_base=1.0)
    work = deferred(system)
    reports.fail(system, sender(work), TransientFailure("Busy.", retry_after_seconds=900))
    assert stored_run(run.id).due_at == NOON + timedelta(seconds=900)


def test_a_failure_for_good_is_not_tried_again(system: GivenSystem) -> None:
    run = first_run(system)
    reports.fail(system, sender(deferred(system)), PermanentFailure("There is no such customer."))
    assert stored_run(run.id).status is RunStatus.FAILED


def test_a_completed_poll_moves_the_state_on_and_the_next_follows(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    work = deferred(system)
    reports.complete(system, sender(work), None, PollAnswer({"page": 2}, False, None, None, None))
    job = stored_job(run.job_id)
    assert (job.polling_state, job.polling_version, job.polls) == ({"page": 2}, 1, 1)
    _, following = runs_of(run.job_id)
    make_due_again(system, following.id)
    reports.complete(system, sender(deferred(system)), None, PollAnswer(None, True, None, None, None))
    assert stored_job(run.job_id).state is JobState.COMPLETED


def test_a_report_without_a_pace_is_the_same_to_this_release_and_the_one_before(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    work = deferred(system)
    reports.complete(system, sender(work), "kept", PollAnswer({"page": 2}, False, None, None, None))
    [attempt] = attempts_at(run.id)
    assert attempt.report == fingerprints.of(["complete", ["kept", {"page": 2}, False]])


def test_a_state_for_a_job_that_does_not_poll_is_refused(system: GivenSystem) -> None:
    run = first_run(system)
    work = deferred(system)
    with pytest.raises(InvalidInput, match="polling_state"):
        reports.complete(system, sender(work), None, PollAnswer({}, True, None, None, None))
    assert stored_run(run.id).status is RunStatus.RUNNING
