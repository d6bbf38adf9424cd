"""A claim whose commit is not confirmed: if it took effect, its runs are handed back at once, and executed once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.errors import DatabaseUnavailable
from core.rates import Rate
from core.states import Outcome, RunStatus
from models import changes, claims, database, driver_errors
from models.tables import Use, db
from services.execution import claiming, unconfirmed_claims, workers
from services.execution.exchanges import ExchangeAnswer
from services.maintenance import rescues
from tests.factories import GivenSystem, attempts_at, claim, claim_one, first_run, record, stored_run, succeeded
from tests.integration.execution.attempting import LEASE_SECONDS, make_due_again
from tests.integration.execution.calling_threads import Threads, of
from tests.integration.execution.limiting import put
from tests.waiting import LONGEST, until


@pytest.fixture
def threads(system: GivenSystem) -> Iterator[Threads]:
    made = Threads(system)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unconfirmed_claims, "LOOK_SECONDS", 0.01)


def committed() -> None:
    db.obj.commit()


def rolled_back() -> None:
    db.obj.rollback()


class Kept:
    """A commit that the server has got, and has not carried out yet."""

    def __call__(self) -> None:
        state = db.obj._state
        self._commit = changes.with_commit()
        self._connection, state.conn = state.conn, db.obj._connect()

    def carry_out(self) -> None:
        self._connection.cursor().execute(*self._commit)
        self._connection.close()


def lose_answer(monkeypatch: pytest.MonkeyPatch, commit: Callable[[], None]) -> None:
    """Lose the answer to the commit of the next claim that takes runs; `commit` is what becomes of it."""
    claim_once, real = claiming._claim_once, db.obj.commit
    claiming_threads: set[int] = set()

    def lose() -> None:
        if threading.get_ident() not in claiming_threads:  # another thread commits at the same moment
            real()
            return
        monkeypatch.setattr(db.obj, "commit", real)
        commit()
        raise driver_errors.AWAY[0]("the connection is gone")

    def claim_then_lose(*given: Any, **named: Any) -> Any:
        found = claim_once(*given, **named)
        if found[0]:
            claiming_threads.add(threading.get_ident())
            monkeypatch.setattr(claiming, "_claim_once", claim_once)
            monkeypatch.setattr(db.obj, "commit", lose)
        return found

    monkeypatch.setattr(claiming, "_claim_once", claim_then_lose)


class Looks:
    """Stands before the look for runs: waits until it may look, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, wait: bool = False) -> None:
        self.count = 0
        self.may = threading.Event()
        if not wait:
            self.may.set()
        self._real = claims.token_hashes
        monkeypatch.setattr(claims, "token_hashes", self)

    def __call__(self, *given: Any) -> Any:
        assert self.may.wait(LONGEST)
        found = self._real(*given)
        self.count += 1
        return found


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("limited", [False, True])
def test_what_was_claimed_though_nobody_heard_is_queued_again_and_costs_nothing(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch, shared: bool, limited: bool
) -> None:
    """`shared`: in the transaction that records a result. With a limit on, the claim has one of its own anyway."""
    if limited:
        put(system, "app:app_a", 1, Rate(2 if shared else 1, 3600))
    if shared:
        first_run(system)
        [done] = claim(system)
    run = first_run(system, max_retries=0)
    looks = Looks(monkeypatch, wait=True)
    lose_answer(monkeypatch, committed)
    asking = threads.hand_in(done, wants_work=True) if shared else threads.ask()
    threads.start()
    if shared:
        assert of(asking).work is None
    else:
        assert asking.exception(LONGEST)
    assert stored_run(run.id).status is RunStatus.RUNNING
    looks.may.set()
    until(lambda: stored_run(run.id).status is RunStatus.QUEUED, "the run is queued again")
    until(lambda: run.id in {ring.run_id for ring in system.doorbell.rings}, "somebody is rung for it")
    stored = stored_run(run.id)
    assert (stored.failure_count, stored.loss_count, stored.worker_id) == (0, 0, None)
    with database.reading():
        assert Use.select().where(Use.run_id == run.id).count() == 0, "nothing was called"
    work = of(threads.ask()).work
    assert work is not None
    assert record(system, work, succeeded()) is not None
    assert stored_run(run.id).status is RunStatus.COMPLETED
    assert [one.outcome for one in attempts_at(run.id)] == [Outcome.RELEASED, Outcome.SUCCEEDED]


def test_a_claim_that_did_not_take_effect_is_told_from_the_same_runs_claimed_again(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = Looks(monkeypatch)
    run = first_run(system)
    lose_answer(monkeypatch, rolled_back)
    asking = threads.ask()
    threads.start()
    assert asking.exception(LONGEST)
    again = of(threads.ask())
    assert again.work is not None, "nobody else has it"
    assert (again.work.run_id, again.work.fence) == (run.id, 1), "the fence is that of the claim in doubt"
    seen = looks.count
    until(lambda: looks.count > seen + 1, "a look at the runs since then")
    assert stored_run(run.id).status is RunStatus.RUNNING
    assert record(system, again.work, succeeded()) is not None


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_commit_that_is_carried_out_only_later_is_looked_for_until_it_shows(
    store: str, system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, kept = Looks(monkeypatch), Kept()
    run = first_run(system)
    lose_answer(monkeypatch, kept)
    asking = threads.ask()
    threads.start()
    assert asking.exception(LONGEST)
    until(lambda: looks.count > 1, "a look that finds nothing yet")
    assert of(threads.ask()) == ExchangeAnswer(), "it is locked by the transaction that is under way"
    kept.carry_out()
    until(lambda: [one.outcome for one in attempts_at(run.id)] == [Outcome.RELEASED], "it is handed back")
    assert of(threads.ask()).work is not None


def test_a_claim_that_never_shows_is_looked_for_as_long_as_its_lease(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = Looks(monkeypatch)
    first_run(system)
    lose_answer(monkeypatch, rolled_back)
    asking = threads.ask()
    threads.start()
    assert asking.exception(LONGEST)
    until(lambda: looks.count > 1, "a look")
    unconfirmed = threads.engine._unconfirmed
    assert unconfirmed._thread is not None
    system.clock.advance(LEASE_SECONDS + 1)
    until(lambda: unconfirmed._thread is None, "the looks have ended")
    assert unconfirmed._works == []


def test_a_process_that_wakes_late_leaves_alone_what_was_rescued_and_claimed_by_others(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = Looks(monkeypatch, wait=True)
    run = first_run(system)
    lose_answer(monkeypatch, committed)
    asking = threads.ask()
    threads.start()
    assert asking.exception(LONGEST)
    system.clock.advance(LEASE_SECONDS + 1)
    assert rescues.rescue(system) == 1, "as if the process had died"
    make_due_again(system, run.id)
    others = claim_one(system, workers.register(system))
    looks.may.set()
    until(lambda: looks.count, "a look")
    until(lambda: threads.engine._unconfirmed._thread is None, "the looks have ended")
    assert stored_run(run.id).fence == others.fence
    assert record(system, others, succeeded()) is not None
    assert [one.outcome for one in attempts_at(run.id)] == [Outcome.LOST, Outcome.SUCCEEDED]


def test_an_engine_that_stops_looks_a_last_time(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unconfirmed_claims, "LOOK_SECONDS", LONGEST)
    real, is_away = claims.token_hashes, threading.Event()

    def away(*_given: Any) -> Any:
        monkeypatch.setattr(claims, "token_hashes", real)
        is_away.set()
        raise DatabaseUnavailable("The database is away.")

    monkeypatch.setattr(claims, "token_hashes", away)
    run = first_run(system)
    lose_answer(monkeypatch, committed)
    asking = threads.ask()
    threads.start()
    assert asking.exception(LONGEST)
    assert is_away.wait(LONGEST)
    threads.engine.stop()
    assert stored_run(run.id).status is RunStatus.QUEUED


def test_the_looks_end_with_the_engine(system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    first_run(system)
    lose_answer(monkeypatch, rolled_back)
    asking = threads.ask()
    threads.start()
    assert asking.exception(LONGEST)
    threads.engine.stop()
    assert threads.engine._unconfirmed._thread is None


def test_what_was_claimed_together_with_a_record_but_reached_no_thread_is_handed_back(
    system: GivenSystem, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_run(system)
    [done] = claim(system)
    run = first_run(system)
    fault = RuntimeError("It broke after the commit.")

    def break_off(*_given: Any) -> Any:
        raise fault

    monkeypatch.setattr(threads.engine, "_recorded_of", break_off)
    handing_in = threads.hand_in(done, wants_work=True)
    threads.start()
    assert handing_in.exception(LONGEST) is fault
    until(lambda: [one.outcome for one in attempts_at(run.id)] == [Outcome.RELEASED], "it is handed back")
    assert stored_run(run.id).status is RunStatus.QUEUED
