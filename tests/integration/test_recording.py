"""Record and rescue: what follows when an attempt has ended, or its worker has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.errors import AbortReason
from core.schedules import Cron, DelayFromNow, Immediate, Polling
from core.states import Hold, JobState, JobStatus, Outcome, RunStatus, Trigger
from models import database
from models import jobs as job_queries
from models.tables import Run
from services import apps, dispatching, executing, reading, upkeep
from services import jobs as job_service
from services.apps import TaskTypePolicy
from services.executing import Failed, Result, Stopped, Succeeded, Work
from services.settling import Settled
from tests.factories import (
    CALLBACK_BASE_URL,
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

CANCELLED = Stopped(AbortReason.CANCELLED)
SHUTDOWN = Stopped(AbortReason.SHUTDOWN)
LEASE_SECONDS = 60.0
ALL_ENDS: list[Result] = [succeeded(), failed(), refused(), refused(410), CANCELLED, SHUTDOWN]


def attempt(system: GivenSystem, result: Result) -> tuple[Work, Settled]:
    """Let the next attempt end so."""
    work = claim_one(system)
    settled = record(system, work, result)
    assert settled is not None
    return work, settled


def make_due_again(system: GivenSystem, run_id: UUID) -> None:
    """Let time pass until a run that waits for its instant is queued."""
    waits = stored_run(run_id).due_at - system.clock.now()
    system.clock.advance(max(0.0, waits.total_seconds()))
    assert dispatching.make_due(system, [run_id]) == 1


def attempts_until_the_end(system: GivenSystem, run_id: UUID, result: Result) -> int:
    """Let every attempt end alike; how many there were."""
    count = 0
    while True:
        _, settled = attempt(system, result)
        count += 1
        if settled.retry_at is None:
            assert stored_run(run_id).status is RunStatus.FAILED
            return count
        make_due_again(system, run_id)


def waited(settled: Settled, since: datetime) -> float:
    assert settled.retry_at is not None
    return (settled.retry_at - since).total_seconds()


# --- How an attempt ends -----------------------------------------------------------------------------------


def test_a_success_ends_attempt_run_and_job(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    ended_at = system.clock.advance(2)
    assert record(system, work, Succeeded(201, "done")) == Settled(RunStatus.COMPLETED)
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
    _, settled = attempt(system, failed())
    stored = stored_run(run.id)
    assert (settled.status, stored.status) == (RunStatus.RETRYING, RunStatus.RETRYING)
    assert stored.due_at == settled.retry_at
    assert (stored.failure_count, stored.loss_count, stored.error_type) == (1, 0, "transient")
    assert stored.error_message == "The receiver is down."
    assert stored_job(run.job_id).state is JobState.ACTIVE
    assert reading.job(run.job_id).status is JobStatus.QUEUED
    [tried] = attempts_at(run.id)
    assert (tried.outcome, tried.error_type, tried.status_code) == (Outcome.FAILED, "transient", 503)


def test_the_backoff_doubles_to_an_hour_and_spreads_by_a_tenth(system: GivenSystem) -> None:
    run = first_run(system, max_retries=9, retry_backoff_base=60)
    shares = []
    for expected in (60, 120, 240, 480, 960, 1920, 3600, 3600):
        _, settled = attempt(system, failed())
        shares.append(waited(settled, system.clock.now()) / expected)
        make_due_again(system, run.id)
    assert all(1 <= share < 1.1 for share in shares)


def test_runs_that_fail_together_are_not_tried_again_together(system: GivenSystem) -> None:
    for _ in range(20):
        first_run(system)
    works = claim(system)
    settled = executing.record(system, [(work, failed()) for work in works])
    assert len({one.retry_at for one in settled if one is not None}) > 10


@pytest.mark.parametrize(("retry_after", "seconds"), [(0, 60), (600, 600), (200_000, 86_400)])
def test_retry_after_is_a_floor_of_at_most_a_day(system: GivenSystem, retry_after: float, seconds: float) -> None:
    first_run(system, retry_backoff_base=60)
    _, settled = attempt(system, failed(retry_after))
    assert seconds <= waited(settled, NOON) < seconds + 6


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
    _, settled = attempt(system, refused())
    assert settled == Settled(RunStatus.FAILED)
    stored = stored_run(run.id)
    assert (stored.status, stored.error_type, stored.failure_count) == (RunStatus.FAILED, "permanent", 1)
    assert stored_job(run.job_id).state is JobState.FAILED


def test_an_answer_is_kept_up_to_its_cap(system: GivenSystem) -> None:
    run, other = first_run(system, priority=9), first_run(system)
    attempt(system, Succeeded(200, "x" * 70_000))
    attempt(system, Failed(failed().error, "y" * 70_000))
    assert attempts_at(run.id)[0].answer == "x" * 65_536
    assert attempts_at(other.id)[0].answer == "y" * 65_536


# --- Whose policy ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_retries", [0, 2])
def test_a_jobs_retries_used_up_end_run_and_job(system: GivenSystem, max_retries: int) -> None:
    run = first_run(system, max_retries=max_retries)
    assert attempts_until_the_end(system, run.id, failed()) == max_retries + 1
    assert stored_job(run.job_id).state is JobState.FAILED


def test_where_nobody_says_how_often_the_settings_do(system: GivenSystem) -> None:
    run = first_run(system)
    assert attempts_until_the_end(system, run.id, failed()) == system.settings.max_retries + 1


def test_the_apps_task_type_says_it_where_the_job_does_not(system: GivenSystem) -> None:
    apps.put(system, "app_a", CALLBACK_BASE_URL, {"greet": TaskTypePolicy(1, 10), "other": TaskTypePolicy(7, 70)})
    run = first_run(system)
    work, settled = attempt(system, failed())
    assert (work.policy.max_retries, work.policy.base_seconds) == (1, 10)
    assert 10 <= waited(settled, NOON) < 11
    make_due_again(system, run.id)
    assert attempt(system, failed())[1].status is RunStatus.FAILED


def test_a_task_type_of_another_app_says_nothing(system: GivenSystem) -> None:
    apps.put(system, "app_b", CALLBACK_BASE_URL, {"greet": TaskTypePolicy(1, 10)})
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
    apps.put(system, "app_a", CALLBACK_BASE_URL, {"greet": TaskTypePolicy(*of_task_type)})
    first_run(system, **of_job)
    work = claim_one(system)
    assert (work.policy.max_retries, work.policy.base_seconds) == policy


def test_jobs_claimed_together_keep_their_own_policies(system: GivenSystem) -> None:
    apps.put(system, "app_a", CALLBACK_BASE_URL, {"greet": TaskTypePolicy(1, None)})
    expected = {
        first_run(system).id: 1,
        first_run(system, task_type="other").id: 3,
        first_run(system, max_retries=8).id: 8,
    }
    assert {work.run_id: work.policy.max_retries for work in claim(system)} == expected


# --- 410 ---------------------------------------------------------------------------------------------------


def test_gone_pauses_a_job_that_comes_back(system: GivenSystem) -> None:
    job_id = first_run(system, Cron("* * * * *")).job_id
    make_due_again(system, runs_of(job_id)[0].id)
    _, settled = attempt(system, refused(410))
    assert settled.status is RunStatus.FAILED
    assert stored_job(job_id).state is JobState.PAUSED
    system.clock.advance(60)
    assert dispatching.make_due(system, [run.id for run in runs_of(job_id)]) == 0
    assert runs_of(job_id)[1].reason == "paused"


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


# --- Fences ------------------------------------------------------------------------------------------------


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
    assert upkeep.rescue(system) == 1
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
    assert executing.record(system, [(late, succeeded()), (work, succeeded())]) == [None, Settled(RunStatus.COMPLETED)]
    assert (stored_run(late_run.id).status, stored_run(run.id).status) == (RunStatus.QUEUED, RunStatus.COMPLETED)


def test_results_recorded_together_have_each_their_own_end(system: GivenSystem) -> None:
    made = [first_run(system, priority=9 - number) for number in range(3)]
    works = [claim_one(system) for _ in made]
    ends = executing.record(system, [(works[2], refused()), (works[0], succeeded()), (works[1], failed())])
    assert [end.status for end in ends if end is not None] == [
        RunStatus.FAILED,
        RunStatus.COMPLETED,
        RunStatus.RETRYING,
    ]
    assert [stored_run(run.id).status for run in made] == [RunStatus.COMPLETED, RunStatus.RETRYING, RunStatus.FAILED]


# --- Handed back, cancelled --------------------------------------------------------------------------------


def test_a_run_handed_back_costs_nothing_and_is_claimable_at_once(system: GivenSystem) -> None:
    run = first_run(system, max_retries=0)
    for number in range(1, 6):
        work, settled = attempt(system, SHUTDOWN)
        assert (work.attempt, settled) == (number, Settled(RunStatus.QUEUED))
    stored = stored_run(run.id)
    assert (stored.status, stored.failure_count, stored.loss_count) == (RunStatus.QUEUED, 0, 0)
    assert {tried.outcome for tried in attempts_at(run.id)} == {Outcome.RELEASED}
    attempt(system, succeeded())
    assert stored_run(run.id).status is RunStatus.COMPLETED


def test_a_run_handed_back_while_its_job_is_paused_is_held(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    job_service.pause(system, run.job_id)
    record(system, work, SHUTDOWN)
    assert claim(system) == []
    assert stored_run(run.id).held_by is Hold.PAUSED
    system.doorbell.heard()
    job_service.resume(system, run.job_id)
    assert [ring.run_id for ring in system.doorbell.heard()] == [run.id]
    assert claim_one(system).run_id == run.id


def test_a_cancel_while_running_ends_the_attempt_as_cancelled(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    job_service.cancel(system, run.job_id)
    assert stored_run(run.id).status is RunStatus.RUNNING
    assert stored_run(run.id).cancel_requested_at == NOON
    assert record(system, work, CANCELLED) == Settled(RunStatus.CANCELLED)
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
    job_service.cancel(system, run.job_id)
    system.doorbell.heard()
    assert record(system, work, result) == Settled(status)
    assert stored_run(run.id).status is status
    assert stored_job(run.job_id).state is JobState.CANCELLED
    assert system.doorbell.heard() == []


def test_no_poll_follows_one_that_was_cancelled_under_way(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    work = claim_one(system)
    job_service.cancel(system, run.job_id)
    settled = record(system, work, polled({"n": 1}))
    assert settled == Settled(RunStatus.COMPLETED)
    assert len(runs_of(run.job_id)) == 1


# --- Polling -----------------------------------------------------------------------------------------------


def test_a_poll_moves_the_state_on_and_is_followed_by_a_new_run(system: GivenSystem) -> None:
    first = first_run(system, Polling(30))
    assert (first.trigger, first.status) == (Trigger.POLL, RunStatus.QUEUED)
    work = claim_one(system)
    assert work.polling_state == {}
    ended_at = system.clock.advance(7)
    record(system, work, polled({"page": 2}))
    first, second = runs_of(first.job_id)
    assert (first.status, second.status, second.trigger) == (RunStatus.COMPLETED, RunStatus.PENDING, Trigger.POLL)
    assert second.due_at == ended_at + timedelta(seconds=30), "counted from the end of the last"
    assert stored_job(first.job_id).polling_state == {"page": 2}
    make_due_again(system, second.id)
    again = claim_one(system)
    assert (again.run_id, again.attempt, again.polling_state) == (second.id, 1, {"page": 2})


def test_an_answer_without_a_state_keeps_the_old_one(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    attempt(system, polled({"page": 2}))
    make_due_again(system, runs_of(run.job_id)[1].id)
    attempt(system, polled(None))
    assert stored_job(run.job_id).polling_state == {"page": 2}
    assert len(runs_of(run.job_id)) == 3


@pytest.mark.parametrize("seconds", [0.5, 5, 3600])
def test_the_answer_may_say_when_to_ask_again(system: GivenSystem, seconds: float) -> None:
    run = first_run(system, Polling(30))
    attempt(system, polled({}, next_in_seconds=seconds))
    assert runs_of(run.job_id)[1].due_at == NOON + timedelta(seconds=seconds)


def test_done_ends_the_job_with_the_last_state(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    attempt(system, polled({"page": 9}, done=True))
    job = stored_job(run.job_id)
    assert (job.state, job.polling_state) == (JobState.COMPLETED, {"page": 9})
    assert len(runs_of(run.job_id)) == 1


def test_done_ends_a_job_that_was_paused_meanwhile(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    work = claim_one(system)
    job_service.pause(system, run.job_id)
    record(system, work, polled({}, done=True))
    assert stored_job(run.job_id).state is JobState.COMPLETED


def test_the_next_poll_of_a_job_paused_meanwhile_is_held(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    work = claim_one(system)
    job_service.pause(system, run.job_id)
    record(system, work, polled({}))
    following = runs_of(run.job_id)[1]
    system.clock.advance(31)
    assert dispatching.make_due(system, [following.id]) == 0
    assert stored_run(following.id).held_by is Hold.PAUSED


def test_a_state_made_from_an_old_version_never_goes_back(system: GivenSystem) -> None:
    """Someone moved the state on, or rewound it, while the poll was under way: its answer comes too late for it."""
    run = first_run(system, Polling(30))
    work = claim_one(system)
    with database.transaction():
        assert job_queries.advance_polling_state(stored_job(run.job_id), work.polling_version, {"page": 5})
    record(system, work, polled({"page": 1}))
    job = stored_job(run.job_id)
    assert (job.polling_state, job.polling_version) == ({"page": 5}, 1)
    assert len(runs_of(run.job_id)) == 2, "polling goes on"


def test_each_good_poll_is_one_version(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    for version in range(1, 5):
        work, _ = attempt(system, polled({"page": version}))
        assert work.polling_version == version - 1
        assert stored_job(run.job_id).polling_version == version
        make_due_again(system, runs_of(run.job_id)[-1].id)


def test_a_failed_poll_backs_off_and_keeps_run_and_state(system: GivenSystem) -> None:
    run = first_run(system, Polling(30), retry_backoff_base=100)
    _, settled = attempt(system, failed())
    assert 100 <= waited(settled, NOON) < 110
    assert stored_job(run.job_id).polling_version == 0
    make_due_again(system, run.id)
    assert attempt(system, polled({}))[0].run_id == run.id
    assert len(runs_of(run.job_id)) == 2


def test_a_good_poll_after_failures_counts_anew(system: GivenSystem) -> None:
    first = first_run(system, Polling(30), max_retries=1)
    attempt(system, failed())
    make_due_again(system, first.id)
    attempt(system, polled({}))
    second = runs_of(first.job_id)[1]
    make_due_again(system, second.id)
    assert attempt(system, failed())[1].status is RunStatus.RETRYING


def test_a_poll_that_fails_too_often_fails_the_job(system: GivenSystem) -> None:
    run = first_run(system, Polling(30), max_retries=2)
    assert attempts_until_the_end(system, run.id, failed()) == 3
    assert stored_job(run.job_id).state is JobState.FAILED
    assert len(runs_of(run.job_id)) == 1


# --- Schedules that end ------------------------------------------------------------------------------------


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
    assert reading.job(run.job_id).status is JobStatus.PENDING


# --- Rescue ------------------------------------------------------------------------------------------------


def test_a_lease_that_has_not_run_out_is_left_alone(system: GivenSystem) -> None:
    run = first_run(system)
    claim_one(system)
    system.clock.advance(LEASE_SECONDS)
    assert upkeep.rescue(system) == 0
    assert stored_run(run.id).status is RunStatus.RUNNING


def test_a_run_whose_lease_has_run_out_is_lost_and_backs_off(system: GivenSystem) -> None:
    run = first_run(system, max_retries=0)
    work = claim_one(system)
    now = system.clock.advance(LEASE_SECONDS + 0.001)
    assert upkeep.rescue(system) == 1
    stored = stored_run(run.id)
    assert (stored.status, stored.loss_count, stored.failure_count) == (RunStatus.RETRYING, 1, 0)
    assert 1 <= (stored.due_at - now).total_seconds() < 1.1
    assert stored.fence == work.fence + 1
    assert (stored.lease_expires_at, stored.worker_id, stored.error_type) == (None, None, "lost")
    [tried] = attempts_at(run.id)
    assert (tried.outcome, tried.finished_at, tried.error_type) == (Outcome.LOST, now, "lost")
    assert upkeep.rescue(system) == 0


def lose(system: GivenSystem) -> None:
    """Let the next attempt's worker die."""
    claim_one(system)
    system.clock.advance(LEASE_SECONDS + 1)
    assert upkeep.rescue(system) == 1


def test_the_third_loss_fails_the_run_saying_so(system: GivenSystem) -> None:
    run = first_run(system, max_retries=9)
    for _ in range(2):
        lose(system)
        make_due_again(system, run.id)
    lose(system)
    stored = stored_run(run.id)
    assert (stored.status, stored.loss_count, stored.failure_count) == (RunStatus.FAILED, 3, 0)
    assert str(stored.error_message).startswith("3 workers")
    assert stored_job(run.job_id).state is JobState.FAILED


def test_losses_are_not_counted_against_the_retries_nor_the_other_way_round(system: GivenSystem) -> None:
    run = first_run(system, max_retries=1)
    lose(system)
    make_due_again(system, run.id)
    assert attempt(system, failed())[1].status is RunStatus.RETRYING
    make_due_again(system, run.id)
    lose(system)
    stored = stored_run(run.id)
    assert (stored.status, stored.loss_count, stored.failure_count) == (RunStatus.RETRYING, 2, 1)
    make_due_again(system, run.id)
    assert attempt(system, failed())[1].status is RunStatus.FAILED


def test_a_lease_renewed_in_time_is_left_alone(system: GivenSystem) -> None:
    worker = executing.register_worker(system)
    run = first_run(system)
    work = claim_one(system, worker)
    system.clock.advance(LEASE_SECONDS - 1)
    assert executing.renew(system, worker, {run.id: work.fence}) == {run.id: False}
    system.clock.advance(2)
    assert upkeep.rescue(system) == 0
    assert stored_run(run.id).status is RunStatus.RUNNING


def test_a_lease_renewed_between_look_and_grasp_is_left_alone(system: GivenSystem) -> None:
    worker = executing.register_worker(system)
    run = first_run(system)
    work = claim_one(system, worker)
    system.clock.advance(LEASE_SECONDS + 1)
    with database.reading():
        seen = [found.id for found in Run.select().where(Run.lease_expires_at < system.clock.now())]
    executing.renew(system, worker, {run.id: work.fence})
    assert executing.rescue(system, seen, only_expired=True) == 0
    assert record(system, work, succeeded()) == Settled(RunStatus.COMPLETED)


def test_a_run_recorded_between_look_and_grasp_stays_as_recorded(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    system.clock.advance(LEASE_SECONDS + 1)
    record(system, work, succeeded())
    assert executing.rescue(system, [run.id], only_expired=True) == 0
    assert stored_run(run.id).status is RunStatus.COMPLETED


def test_a_run_that_was_to_be_cancelled_ends_cancelled_when_its_worker_dies(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    job_service.cancel(system, run.job_id)
    system.clock.advance(LEASE_SECONDS + 1)
    assert upkeep.rescue(system) == 1
    stored = stored_run(run.id)
    assert (stored.status, stored.loss_count) == (RunStatus.CANCELLED, 0)
    assert attempts_at(run.id)[0].outcome is Outcome.LOST
    assert record(system, work, succeeded()) is None


def test_a_start_without_any_worker_takes_back_every_run_at_once(system: GivenSystem) -> None:
    made = [first_run(system) for _ in range(3)]
    first_run(system, DelayFromNow(60))
    assert len(claim(system)) == 3
    assert upkeep.rescue_all(system) == 3
    assert {stored_run(run.id).status for run in made} == {RunStatus.RETRYING}
    assert upkeep.rescue_all(system) == 0
