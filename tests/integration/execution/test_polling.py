"""Polling: the state goes on with each good answer, and a new run follows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.principals import LOCAL
from core.quotas import Quotas
from core.schedules import Polling
from core.states import Hold, JobState, RunStatus, Trigger
from models import database
from models import jobs as job_queries
from services.apps import quotas
from services.execution import recording
from services.execution.work import Deferred
from services.jobs import lifecycle, requested_runs
from services.maintenance import rescues
from services.reading.explaining import explanations
from services.scheduling import dispatching
from tests.factories import (
    NOON,
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
)
from tests.integration.execution.attempting import (
    LEASE_SECONDS,
    attempt,
    attempts_until_the_end,
    make_due_again,
    waited,
)


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


def test_an_answer_asks_for_no_sooner_a_poll_than_an_interval_may_say(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    attempt(system, polled({}, next_in_seconds=0))
    assert runs_of(run.job_id)[1].due_at == NOON + timedelta(seconds=0.01)


@pytest.mark.parametrize(("asked", "waits"), [(5, 60), (90, 90), (None, 30)])
def test_an_answer_asks_for_no_sooner_a_poll_than_the_quota_of_its_app_allows(
    system: GivenSystem, asked: float | None, waits: float
) -> None:
    run = first_run(system, Polling(30))
    other = first_run(system, Polling(30), app_name="app_b")
    quotas.put(LOCAL, system, "app_a", Quotas(shortest_interval_seconds=60))
    ended = [(work, polled({}, next_in_seconds=asked)) for work in claim(system)]
    recording.record(system, ended)
    assert runs_of(run.job_id)[1].due_at == NOON + timedelta(seconds=waits)
    assert runs_of(other.job_id)[1].due_at == NOON + timedelta(seconds=asked or 30)


def test_done_ends_the_job_with_the_last_state(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    attempt(system, polled({"page": 9}, done=True))
    job = stored_job(run.job_id)
    assert (job.state, job.polling_state) == (JobState.COMPLETED, {"page": 9})
    assert len(runs_of(run.job_id)) == 1


def test_done_ends_a_job_that_was_paused_meanwhile(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    work = claim_one(system)
    lifecycle.pause(LOCAL, system, run.job_id)
    record(system, work, polled({}, done=True))
    assert stored_job(run.job_id).state is JobState.COMPLETED


def test_the_next_poll_of_a_job_paused_meanwhile_is_held(system: GivenSystem) -> None:
    run = first_run(system, Polling(30))
    work = claim_one(system)
    lifecycle.pause(LOCAL, system, run.job_id)
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
        job_queries.set_polling_states([(stored_job(run.job_id), {"page": 5})], NOON)
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
    _, outcome = attempt(system, failed())
    assert 100 <= waited(outcome, NOON) < 110
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


GAVE_UP = "not done within give_up_after_seconds=60"


@pytest.mark.parametrize(("base", "attempts"), [(60, 2), (100, 2), (15, 4)])
def test_a_job_whose_receiver_is_down_gives_up_in_time(system: GivenSystem, base: float, attempts: int) -> None:
    run = first_run(system, Polling(1, give_up_after_seconds=60), max_retries=20, retry_backoff_base=base)
    assert attempts_until_the_end(system, run.id, failed()) == attempts
    job, run = stored_job(run.job_id), stored_run(run.id)
    assert (job.state, job.end_reason) == (JobState.FAILED, GAVE_UP)
    assert (run.reason, run.error_message) == (GAVE_UP, "The receiver is down.")
    assert job.finished_at == NOON + timedelta(seconds=60), "the last try comes when it gives up"
    assert f"The receiver is down. It gave up: {GAVE_UP}." in explanations.explain(LOCAL, system, job.id, NOON).answer


def test_a_job_that_is_done_at_the_last_try_completes(system: GivenSystem) -> None:
    run = first_run(system, Polling(1, give_up_after_seconds=10))
    attempt(system, failed())
    make_due_again(system, run.id)
    attempt(system, polled({}, done=True))
    assert (stored_job(run.job_id).state, system.clock.now()) == (JobState.COMPLETED, NOON + timedelta(seconds=10))


def test_a_receiver_that_asks_for_a_retry_too_late_has_none(system: GivenSystem) -> None:
    run = first_run(system, Polling(1, give_up_after_seconds=60))
    _, outcome = attempt(system, failed(86_400))
    assert (outcome.status, outcome.retry_at) == (RunStatus.FAILED, None)
    assert stored_job(run.job_id).end_reason == GAVE_UP


@pytest.mark.parametrize("is_deferred", [False, True], ids=["its worker died", "no report came"])
def test_a_poll_that_nobody_ended_gives_up_in_time(system: GivenSystem, is_deferred: bool) -> None:
    run = first_run(system, Polling(1, give_up_after_seconds=60))
    work = claim_one(system)
    if is_deferred:
        record(system, work, Deferred())
    system.clock.advance(LEASE_SECONDS + 1)
    assert rescues.rescue(system) == 1
    job = stored_job(run.job_id)
    assert (job.state, job.end_reason, stored_run(run.id).status) == (JobState.FAILED, GAVE_UP, RunStatus.FAILED)


def test_a_job_that_gave_up_has_its_whole_time_again_when_it_is_retried(system: GivenSystem) -> None:
    run = first_run(system, Polling(1, give_up_after_seconds=60))
    attempt(system, failed(86_400))
    system.clock.advance(600)
    requested_runs.retry(LOCAL, system, run.job_id)
    _, outcome = attempt(system, failed())
    assert (outcome.status, stored_job(run.job_id).end_reason) == (RunStatus.RETRYING, None)
