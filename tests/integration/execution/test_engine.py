"""The engine of a worker: it records and claims for many threads at once, and waits for nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from core.errors import DatabaseUnavailable
from core.rates import Rate
from core.states import RunStatus
from models.pauses import GATE
from services.execution import claiming, held_runs, recording
from services.execution.exchanges import ExchangeAnswer
from services.execution.recording import NotRecorded
from services.execution.work import Work
from services.scheduling.run_endings import RunOutcome
from tests.factories import GivenSystem, claim, first_run, stored_run
from tests.integration.execution.calling_threads import Threads, of
from tests.integration.execution.limiting import put
from tests.outsider import outsider
from tests.waiting import LONGEST, until

COMPLETED = RunOutcome(RunStatus.COMPLETED)


@pytest.fixture
def threads(system: GivenSystem) -> Iterator[Threads]:
    made = Threads(system)
    yield made
    made.stop()


@pytest.fixture
def limited(system: GivenSystem) -> GivenSystem:
    settings = system.settings.model_copy(update={"account_rate": Rate(90, 60)})
    return GivenSystem(settings, system.clock, system.doorbell)


@pytest.fixture
def threads_under_a_rate(limited: GivenSystem) -> Iterator[Threads]:
    made = Threads(limited)
    yield made
    made.stop()


def job_of(work: Work) -> str:
    return str(work.job_id)


def test_as_many_runs_are_claimed_as_threads_ask_and_no_more(system: GivenSystem, threads: Threads) -> None:
    runs = [first_run(system) for _ in range(5)]
    asking = [threads.ask() for _ in range(3)]
    threads.start()
    works = [of(one).work for one in asking]
    assert len({work.run_id for work in works if work is not None}) == 3
    assert [stored_run(run.id).status for run in runs].count(RunStatus.RUNNING) == 3


def test_a_result_is_recorded_and_the_next_run_claimed_by_one_call(system: GivenSystem, threads: Threads) -> None:
    first_run(system)
    [done] = claim(system)
    following = first_run(system)
    handing_in = threads.hand_in(done, wants_work=True)
    threads.start()
    answer = of(handing_in)
    assert answer.recorded == COMPLETED
    assert answer.work is not None
    assert answer.work.run_id == following.id


def test_calls_that_wait_share_a_transaction(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        first_run(system)
    claimed: list[int] = []
    real = claiming.claim

    def counted(*about: object, **named: object) -> list[Work]:
        works = real(*about, **named)  # type: ignore[arg-type]
        claimed.append(len(works))
        return works

    monkeypatch.setattr(claiming, "claim", counted)
    asking = [threads.ask() for _ in range(3)]
    threads.start()
    assert all(of(one).work for one in asking)
    assert claimed == [3]


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_job_that_others_have_locked_keeps_no_other_result_waiting(
    store: str, system: GivenSystem, threads: Threads
) -> None:
    for _ in range(2):
        first_run(system)
    blocked, free = claim(system)
    threads.start()
    with outsider(store, "SELECT 1 FROM jobs WHERE id = %s FOR UPDATE", job_of(blocked)):
        waiting = threads.hand_in(blocked)
        assert of(threads.hand_in(free)).recorded == COMPLETED
        assert not waiting.done()
    assert of(waiting).recorded == COMPLETED


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_runs_are_claimed_while_somebody_closes_the_gate_of_pauses(
    store: str, system: GivenSystem, threads: Threads
) -> None:
    first_run(system)
    [done] = claim(system)
    following = first_run(system)
    threads.start()
    with outsider(store, "SELECT pg_advisory_xact_lock(%s)", GATE):
        waiting = threads.hand_in(done)
        claimed = of(threads.ask()).work
        assert claimed is not None
        assert claimed.run_id == following.id
        assert not waiting.done()
    assert of(waiting).recorded == COMPLETED


def test_a_result_is_told_as_recorded_though_the_claim_after_it_fails(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_run(system)
    [done] = claim(system)

    def away(*_about: object, **_named: object) -> list[Work]:
        raise DatabaseUnavailable("The database is away.")

    monkeypatch.setattr(claiming, "claim", away)
    monkeypatch.setattr(claiming, "claim_within", away)
    handing_in = threads.hand_in(done, wants_work=True)
    threads.start()
    assert of(handing_in) == ExchangeAnswer(COMPLETED, None, asks_again=True)


def test_what_is_recorded_and_claimed_at_once_is_one_transaction(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_run(system)
    [done] = claim(system)
    following = [first_run(system) for _ in range(2)]

    def alone(*_about: object) -> list[Work]:
        raise AssertionError("claimed by a transaction of its own")

    monkeypatch.setattr(claiming, "claim", alone)
    handing_in, asking = threads.hand_in(done, wants_work=True), threads.ask()
    threads.start()
    works = [of(handing_in).work, of(asking).work]
    assert {work.run_id for work in works if work is not None} == {run.id for run in following}
    assert stored_run(done.run_id).status is RunStatus.COMPLETED


def test_a_claim_that_breaks_takes_back_no_record(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_run(system)
    [done] = claim(system)
    first_run(system)
    real = claiming.claim_within

    def broken(*about: object) -> list[Work]:
        real(*about)  # type: ignore[arg-type]
        raise ValueError("It broke.")

    monkeypatch.setattr(claiming, "claim_within", broken)
    handing_in = threads.hand_in(done, wants_work=True)
    with structlog.testing.capture_logs() as lines:
        threads.start()
        answer = of(handing_in)
    assert answer.recorded == COMPLETED
    assert answer.work is not None, "claimed by a transaction of its own"
    assert [line["error"] for line in lines if line["event"] == "exchange_split"] == ["It broke."]


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_under_a_limit_the_record_is_committed_before_the_claim_waits_for_others(
    store: str, threads_under_a_rate: Threads, limited: GivenSystem
) -> None:
    first_run(limited)
    [done] = claim(limited)
    first_run(limited)
    with outsider(store, "SELECT pg_advisory_xact_lock(hashtextextended('account:app_a/acc1', 0))"):
        handing_in = threads_under_a_rate.hand_in(done, wants_work=True)
        threads_under_a_rate.start()
        until(lambda: stored_run(done.run_id).status is RunStatus.COMPLETED, "the result is recorded")
        assert not handing_in.done()
    assert of(handing_in).work is not None


def test_two_results_of_one_run_are_one_record_and_one_refusal(system: GivenSystem, threads: Threads) -> None:
    run = first_run(system)
    [work] = claim(system)
    twice = [threads.hand_in(work), threads.hand_in(work)]
    threads.start()
    assert sorted([of(one).recorded for one in twice], key=str) == [NotRecorded.STALE_FENCE, COMPLETED]
    assert stored_run(run.id).status is RunStatus.COMPLETED


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_engine_that_stops_leaves_what_it_has_not_begun_to_give_to_the_coordinator(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on, freed = threading.Event(), threading.Event(), []

    def waits_for_the_database(_system: GivenSystem, keys: list[str]) -> None:
        freed.append(keys)
        begun.set()
        assert goes_on.wait(LONGEST)

    monkeypatch.setattr(held_runs, "release_after", waits_for_the_database)
    put(system, "app:app_a", 2)
    for _ in range(2):
        first_run(system)
    works = claim(system)
    threads.start()
    for work in works:
        of(threads.hand_in(work))
    assert begun.wait(LONGEST)
    releaser = threads.engine._releaser
    stop = releaser.shutdown

    def stopped_while_one_waits(**how: bool) -> None:
        stop(wait=False, **how)
        goes_on.set()
        stop()

    monkeypatch.setattr(releaser, "shutdown", stopped_while_one_waits)
    threads.engine.stop()
    assert len(freed) == 1


def test_a_result_that_goes_to_the_recorder_is_recorded_though_no_thread_can_be_started_any_more(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_run(system)
    [done] = claim(system)
    record_within, start = recording.record_within, threading.Thread.start
    is_running = threading.Event()

    def locked(*given: Any, waits_for_locks: bool = False) -> Any:
        return record_within(*given, waits_for_locks=True) if waits_for_locks else [NotRecorded.LOCKED]

    def start_until_it_runs(thread: threading.Thread) -> None:
        if is_running.is_set():
            raise RuntimeError("can't start new thread")
        if thread.name == "engine":
            is_running.set()
        start(thread)

    handing_in = threads.hand_in(done)
    threads.all_have_called()
    monkeypatch.setattr(recording, "record_within", locked)
    monkeypatch.setattr(threading.Thread, "start", start_until_it_runs)
    threads.start()
    assert of(handing_in) == ExchangeAnswer(COMPLETED)
