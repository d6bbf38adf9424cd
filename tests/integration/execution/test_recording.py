"""Record: what follows when an attempt has ended, and whose policy decides it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.principals import LOCAL
from core.schedules import Cron, Immediate, Polling
from core.states import Hold, JobState, JobStatus, Outcome, RunStatus
from services.apps import apps
from services.apps.app_views import TaskTypePolicy
from services.execution import recording
from services.execution.work import Failed, Result, Succeeded
from services.jobs import requested_runs
from services.reading import records
from services.scheduling import dispatching
from services.scheduling.run_endings import RunOutcome
from tests.factories import (
    CALLBACK_BASE_URL,
    NOON,
    GivenSystem,
    attempts_at,
    claim,
    claim_one,
    failed,
    first_run,
    record,
    refused,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.execution.attempting import (
    SHUTDOWN,
    attempt,
    attempts_until_the_end,
    make_due_again,
    waited,
)

# --- How an attempt ends ---------------------------------------------------------------------------------


def test_a_success_ends_attempt_run_and_job(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    ended_at = system.clock.advance(2)
    assert record(system, work, Succeeded(201, "done")) == RunOutcome(RunStatus.COMPLETED)
    stored, job = stored_run(run.id), stored_job(run.job_id)
    assert (stored.status, stored.finished_at) == (RunStatus.COMPLETED, ended_at)
    assert (stored.lease_expires_at, stored.worker_id, stored.error_type) == (None, None, None)
    assert (job.state, job.finished_at) == (JobState.COMPLETED, ended_at)
    [tried] = attempts_at(run.id)
    assert (tried.outcome, tried.finished_at, tried.status_code, tried.answer) == (
        Outcome.SUCCEEDED,
        ended_at,
        201,
        "done",
    )


def test_a_transient_failure_is_tried_again_after_the_backoff(system: GivenSystem) -> None:
    run = first_run(system)
    _, outcome = attempt(system, failed())
    stored = stored_run(run.id)
    assert (outcome.status, stored.status) == (RunStatus.RETRYING, RunStatus.RETRYING)
    assert stored.due_at == outcome.retry_at
    assert (stored.failure_count, stored.loss_count, stored.error_type) == (1, 0, "transient")
    assert stored.error_message == "The receiver is down."
    assert stored_job(run.job_id).state is JobState.ACTIVE
    assert records.job(LOCAL, run.job_id).status is JobStatus.QUEUED
    [tried] = attempts_at(run.id)
    assert (tried.outcome, tried.error_type, tried.status_code) == (Outcome.FAILED, "transient", 503)


def test_the_backoff_doubles_to_an_hour_and_spreads_by_a_tenth(system: GivenSystem) -> None:
    run = first_run(system, max_retries=9, retry_backoff_base=60)
    shares = []
    for expected in (60, 120, 240, 480, 960, 1920, 3600, 3600):
        _, outcome = attempt(system, failed())
        shares.append(waited(outcome, system.clock.now()) / expected)
        make_due_again(system, run.id)
    assert all(1 <= share < 1.1 for share in shares)


def test_runs_that_fail_together_are_not_tried_again_together(system: GivenSystem) -> None:
    for _ in range(20):
        first_run(system)
    works = claim(system)
    outcome = recording.record(system, [(work, failed()) for work in works])
    assert len({one.retry_at for one in outcome if isinstance(one, RunOutcome)}) > 10


@pytest.mark.parametrize(("retry_after", "seconds"), [(0, 60), (600, 600), (200_000, 86_400)])
def test_retry_after_is_a_floor_of_at_most_a_day(system: GivenSystem, retry_after: float, seconds: float) -> None:
    first_run(system, retry_backoff_base=60)
    _, outcome = attempt(system, failed(retry_after))
    assert seconds <= waited(outcome, NOON) < seconds + 6


def test_a_success_after_failures_clears_the_error(system: GivenSystem) -> None:
    run = first_run(system)
    attempt(system, failed())
    make_due_again(system, run.id)
    attempt(system, succeeded())
    stored = stored_run(run.id)
    assert (stored.status, stored.error_type, stored.error_message) == (RunStatus.COMPLETED, None, None)
    assert [tried.outcome for tried in attempts_at(run.id)] == [Outcome.FAILED, Outcome.SUCCEEDED]


def test_a_permanent_failure_ends_run_and_job(system: GivenSystem) -> None:
    run = first_run(system, max_retries=5)
    _, outcome = attempt(system, refused())
    assert outcome == RunOutcome(RunStatus.FAILED)
    stored = stored_run(run.id)
    assert (stored.status, stored.error_type, stored.failure_count) == (RunStatus.FAILED, "permanent", 1)
    assert stored_job(run.job_id).state is JobState.FAILED


def test_an_answer_is_kept_up_to_its_cap(system: GivenSystem) -> None:
    run, other = first_run(system, priority=9), first_run(system)
    attempt(system, Succeeded(200, "x" * 70_000))
    attempt(system, Failed(failed().error, "y" * 70_000))
    assert attempts_at(run.id)[0].answer == "x" * 65_536
    assert attempts_at(other.id)[0].answer == "y" * 65_536


# --- Whose policy ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_retries", [0, 2])
def test_a_jobs_retries_used_up_end_run_and_job(system: GivenSystem, max_retries: int) -> None:
    run = first_run(system, max_retries=max_retries)
    assert attempts_until_the_end(system, run.id, failed()) == max_retries + 1
    assert stored_job(run.job_id).state is JobState.FAILED


def test_where_nobody_says_how_often_the_settings_do(system: GivenSystem) -> None:
    run = first_run(system)
    assert attempts_until_the_end(system, run.id, failed()) == system.settings.max_retries + 1


def test_the_apps_task_type_says_it_where_the_job_does_not(system: GivenSystem) -> None:
    apps.put(
        LOCAL, system, "app_a", CALLBACK_BASE_URL, {"greet": TaskTypePolicy(1, 10), "other": TaskTypePolicy(7, 70)}
    )
    run = first_run(system)
    work, outcome = attempt(system, failed())
    assert (work.policy.max_retries, work.policy.base_seconds) == (1, 10)
    assert 10 <= waited(outcome, NOON) < 11
    make_due_again(system, run.id)
    assert attempt(system, failed())[1].status is RunStatus.FAILED


def test_a_task_type_of_another_app_says_nothing(system: GivenSystem) -> None:
    apps.put(LOCAL, system, "app_b", CALLBACK_BASE_URL, {"greet": TaskTypePolicy(1, 10)})
    first_run(system)
    assert claim_one(system).policy.max_retries == system.settings.max_retries


@pytest.mark.parametrize(
    ("of_job", "of_task_type", "policy"),
    [
        ({}, (None, None), (3, 60)),
        ({}, (0, None), (0, 60)),
        ({}, (None, 5), (3, 5)),
        ({"max_retries": 0}, (7, 5), (0, 5)),
        ({"retry_backoff_base": 2}, (7, 5), (7, 2)),
        ({"max_retries": 9, "retry_backoff_base": 1}, (7, 5), (9, 1)),
    ],
)
def test_the_job_speaks_first_then_its_task_type_then_the_settings(
    system: GivenSystem,
    of_job: dict[str, Any],
    of_task_type: tuple[int | None, float | None],
    policy: tuple[int, float],
) -> None:
    apps.put(LOCAL, system, "app_a", CALLBACK_BASE_URL, {"greet": TaskTypePolicy(*of_task_type)})
    first_run(system, **of_job)
    work = claim_one(system)
    assert (work.policy.max_retries, work.policy.base_seconds) == policy


def test_jobs_claimed_together_keep_their_own_policies(system: GivenSystem) -> None:
    apps.put(LOCAL, system, "app_a", CALLBACK_BASE_URL, {"greet": TaskTypePolicy(1, None)})
    expected = {
        first_run(system).id: 1,
        first_run(system, task_type="other").id: 3,
        first_run(system, max_retries=8).id: 8,
    }
    assert {work.run_id: work.policy.max_retries for work in claim(system)} == expected


# --- 410 -------------------------------------------------------------------------------------------------


def test_gone_pauses_a_job_that_comes_back(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *")).job_id
    make_due_again(system, runs_of(job_id)[0].id)
    _, outcome = attempt(system, refused(410))
    assert outcome.status is RunStatus.FAILED
    assert stored_job(job_id).state is JobState.PAUSED
    system.clock.advance(60)
    assert dispatching.make_due(system, [run.id for run in runs_of(job_id)]) == 0
    assert runs_of(job_id)[1].reason == "paused"


def test_a_run_handed_back_while_its_job_pauses_is_held(system: GivenSystem) -> None:
    run = first_run(system, Cron("* * * * *"))
    make_due_again(system, run.id)
    other = requested_runs.trigger(LOCAL, system, run.job_id)
    works = {work.run_id: work for work in claim(system)}
    recording.record(system, [(works[other.id], SHUTDOWN), (works[run.id], refused(410))])
    assert stored_job(run.job_id).state is JobState.PAUSED
    assert (stored_run(other.id).status, stored_run(other.id).held_by) == (RunStatus.QUEUED, Hold.PAUSED)


def test_another_permanent_failure_pauses_nothing(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *")).job_id
    make_due_again(system, runs_of(job_id)[0].id)
    attempt(system, refused(404))
    assert stored_job(job_id).state is JobState.ACTIVE


@pytest.mark.parametrize("schedule", [Immediate(), Polling(30)])
def test_gone_fails_a_job_that_has_nothing_else_to_come(system: GivenSystem, schedule: Immediate | Polling) -> None:
    job_id = first_run(system, schedule).job_id
    attempt(system, refused(410))
    assert stored_job(job_id).state is JobState.FAILED


# --- Schedules that end ----------------------------------------------------------------------------------


@pytest.mark.parametrize("result", [succeeded(), refused()])
def test_a_schedule_that_has_ended_completes_the_job_with_its_last_run(system: GivenSystem, result: Result) -> None:
    run = first_run(system, Cron("* * * * *", ends_at=NOON + timedelta(minutes=2)))
    make_due_again(system, run.id)
    work = claim_one(system)
    assert stored_job(run.job_id).state is JobState.ACTIVE
    record(system, work, result)
    assert stored_job(run.job_id).state is JobState.COMPLETED


def test_a_job_that_comes_back_goes_on_after_a_run_that_failed(system: GivenSystem) -> None:
    run = first_run(system, Cron("* * * * *"))
    make_due_again(system, run.id)
    attempt(system, refused())
    assert stored_job(run.job_id).state is JobState.ACTIVE
    assert records.job(LOCAL, run.job_id).status is JobStatus.PENDING
