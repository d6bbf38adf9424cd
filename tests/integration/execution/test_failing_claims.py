"""A claim that fails harms nobody but those who asked for it; a run that cannot be prepared fails alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from core.errors import DatabaseUnavailable
from core.states import Outcome, RunStatus
from models.hot.rows import ExecutedJob
from services.execution import claiming, workers
from services.execution.exchanges import ExchangeAnswer
from services.messaging.broker import RUNS_EMAIL, RUNS_HTTP
from services.scheduling.run_endings import RunOutcome
from services.task_types import targets
from services.task_types.targets import Target
from settings import Settings
from tests.factories import GivenSystem, attempts_at, claim, first_run, stored_run
from tests.integration.execution.answering import answering
from tests.integration.execution.attempting import make_due_again
from tests.integration.execution.calling_threads import Threads, of
from tests.integration.execution.executing import execute
from tests.integration.execution.limiting import put
from tests.outsider import outsider
from tests.waiting import LONGEST

POISON = "https://poison.example.org/"
ERRORS = [ValueError("It broke."), DatabaseUnavailable("The database is away.")]


@pytest.fixture
def threads(system: GivenSystem) -> Iterator[Threads]:
    made = Threads(system)
    yield made
    made.stop()


def break_claims(monkeypatch: pytest.MonkeyPatch, error: Exception, *queues: str) -> None:
    """Let every claim of these queues fail so."""
    for name in ("claim", "claim_within"):
        real = getattr(claiming, name)

        def claim_unless_broken(*given: Any, real: Any = real, **named: Any) -> Any:
            if given[2] in queues:
                raise error
            return real(*given, **named)

        monkeypatch.setattr(claiming, name, claim_unless_broken)


def raised(future: Future[ExchangeAnswer]) -> BaseException | None:
    return future.exception(LONGEST)


@pytest.mark.parametrize("error", ERRORS)
def test_a_claim_that_fails_keeps_no_other_queue_from_being_claimed(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    run = first_run(system)
    break_claims(monkeypatch, error, RUNS_EMAIL)
    in_vain = threads.ask(RUNS_EMAIL)
    threads.all_have_called()
    asking = threads.ask()
    threads.start()
    assert raised(in_vain) is error
    work = of(asking).work
    assert work is not None
    assert work.run_id == run.id


@pytest.mark.parametrize("error", ERRORS)
def test_a_thread_whose_result_is_recorded_is_told_so_and_asks_again_if_the_claim_fails(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    first_run(system)
    [done] = claim(system)
    break_claims(monkeypatch, error, RUNS_HTTP)
    handing_in = threads.hand_in(done, wants_work=True)
    threads.start()
    assert of(handing_in) == ExchangeAnswer(RunOutcome(RunStatus.COMPLETED), None, asks_again=True)


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_result_that_waits_for_a_lock_is_not_failed_by_a_claim_of_the_same_round(
    store: str, system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_run(system)
    [blocked] = claim(system)
    following = first_run(system)
    with outsider(store, "SELECT 1 FROM jobs WHERE id = %s FOR UPDATE", str(blocked.job_id)):
        with monkeypatch.context() as broken:
            break_claims(broken, ERRORS[0], RUNS_HTTP)
            waiting, asking = threads.hand_in(blocked, wants_work=True), threads.ask()
            threads.start()
            assert raised(asking) is ERRORS[0]
        assert not waiting.done()
    answer = of(waiting)
    assert answer.recorded == RunOutcome(RunStatus.COMPLETED)
    assert answer.work is not None, "whoever is given a run still waits for it"
    assert answer.work.run_id == following.id


def poison(monkeypatch: pytest.MonkeyPatch, callback_url: str) -> None:
    """Break what is prepared of runs with this callback URL."""
    real = targets.of_job

    def of_job(settings: Settings, job: ExecutedJob, data: Any) -> Target:
        if job.callback_url == callback_url:
            raise ValueError("It cannot be read.")
        return real(settings, job, data)

    monkeypatch.setattr(targets, "of_job", of_job)


@pytest.mark.parametrize("key", [None, "app:app_a", "host:example.org"])
def test_a_run_that_cannot_be_prepared_keeps_none_that_it_outranks_from_being_claimed(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    """The limit of a host needs the target of each run before it is claimed."""
    if key is not None:
        put(system, key, 2)
    bad, good = first_run(system, priority=9, callback_url=POISON), first_run(system)
    worker = workers.register(system)
    poison(monkeypatch, POISON)
    works = claiming.claim(system, worker, RUNS_HTTP, 2, is_limited=key is not None)
    assert [(work.run_id, work.fault is None) for work in works] == [(bad.id, False), (good.id, True)]


def test_a_run_that_cannot_be_prepared_fails_visibly_and_is_retried_as_often_as_any_other(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = first_run(system, max_retries=1, callback_url=POISON)
    poison(monkeypatch, POISON)
    execute(system)
    stored = stored_run(run.id)
    assert (stored.status, stored.attempt_count, stored.failure_count) == (RunStatus.RETRYING, 1, 1)
    assert stored.error_message is not None
    assert stored.error_message.startswith("Carillon could not prepare this run: ValueError;")
    make_due_again(system, run.id)
    execute(system)
    assert stored_run(run.id).status is RunStatus.FAILED
    assert [one.outcome for one in attempts_at(run.id)] == [Outcome.FAILED] * 2


def test_a_run_that_can_be_prepared_again_completes(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering() as receiver:
        run = first_run(system, callback_url=receiver.url)
        with monkeypatch.context() as broken:
            poison(broken, receiver.url)
            execute(system)
        assert receiver.got == []
        make_due_again(system, run.id)
        execute(system)
    assert stored_run(run.id).status is RunStatus.COMPLETED
