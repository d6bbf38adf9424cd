"""Two at once on the same runs, in a given order: neither locks the other out, and one wins."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg2
import pytest

from core.breakers import opened
from core.errors import AbortReason
from core.states import Hold, RunStatus
from models import breakers, database, held_keys, locks
from models.tables import App, HeldKey
from services.execution import recording, rescue, workers
from services.execution.leases import Leases
from services.execution.work import Result, Work
from services.execution.workers import WorkerIdentity
from services.maintenance import clock_repairs, rescues
from tests.factories import (
    GivenSystem,
    claim_one,
    failed,
    first_run,
    given_system,
    in_threads,
    record,
    stored_run,
    succeeded,
)
from tests.waiting import LONGEST

# In this test's database alone: others share the server.
COUNT_WAITING = """
    SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE NOT granted AND datname = current_database()
"""


@pytest.fixture
def _waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A brief wait lasts until the lock is free, so that the order in which they line up is known."""
    monkeypatch.setattr(locks, "_BRIEFLY", "SET LOCAL lock_timeout = '55s'")


class Outsider:
    """Someone else's transaction that holds a run's row, so that others line up behind it in a known order."""

    def __init__(self, url: str, run_id: UUID) -> None:
        self._watching = psycopg2.connect(url)
        self._watching.autocommit = True
        self._holding = psycopg2.connect(url)
        with self._holding.cursor() as cursor:
            cursor.execute("SELECT 1 FROM runs WHERE id = %s FOR NO KEY UPDATE", (str(run_id),))

    def wait_for_queue(self, length: int) -> None:
        """Wait until so many others wait for a lock."""
        rest = threading.Event()
        for _ in range(LONGEST * 200):
            with self._watching.cursor() as cursor:
                cursor.execute(COUNT_WAITING)
                if cursor.fetchone() == (length,):
                    return
            rest.wait(0.005)
        pytest.fail(f"{length} transactions should have lined up.")

    def let_go(self) -> None:
        self._holding.rollback()

    def close(self) -> None:
        self._holding.close()
        self._watching.close()


@contextlib.contextmanager
def held(url: str, run_id: UUID) -> Iterator[Outsider]:
    outsider = Outsider(url, run_id)
    try:
        yield outsider
    finally:
        outsider.close()


def begun(pool: ThreadPoolExecutor, action: Callable[[], Any]) -> Future[Any]:
    def work() -> Any:
        try:
            return action()
        finally:
            database.disconnect()

    return pool.submit(work)


def two_runs(system: GivenSystem, worker: WorkerIdentity) -> tuple[Work, Work]:
    first_run(system, priority=9)
    first_run(system)
    return claim_one(system, worker), claim_one(system, worker)


@pytest.mark.usefixtures("_waits")
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("locked", [0, 1])
def test_a_heartbeat_and_the_records_of_the_same_runs_never_lock_each_other_out(
    postgresql: str, turned: bool, locked: int
) -> None:
    """Both change several runs in one transaction; whoever is second waits for the first, not the first for it."""
    system = given_system()
    worker = workers.register(system)
    works = two_runs(system, worker)
    in_order = works[::-1] if turned else works
    with ThreadPoolExecutor(2) as pool, held(postgresql, works[locked].run_id) as outsider:
        leases = {work.run_id: work.fence for work in works}
        renewing = begun(pool, lambda: workers.renew(system, worker, leases))
        outsider.wait_for_queue(1)
        # Two results that differ are written one after the other, in the order they came.
        ended: list[tuple[Work, Result]] = [(in_order[0], succeeded()), (in_order[1], failed())]
        recorded = begun(pool, lambda: recording.record(system, ended))
        outsider.wait_for_queue(2)
        outsider.let_go()
        assert len(renewing.result(LONGEST).runs) == 2
        assert None not in recorded.result(LONGEST)


@pytest.mark.usefixtures("_waits")
def test_a_lease_being_renewed_while_rescue_grasps_for_it_is_left_alone(postgresql: str) -> None:
    """Rescue has read the old lease when the renewal commits: it has to look again."""
    system = given_system()
    worker = workers.register(system)
    run = first_run(system)
    work = claim_one(system, worker)
    system.clock.advance(system.settings.lease_seconds + 1)
    with ThreadPoolExecutor(2) as pool, held(postgresql, run.id) as outsider:
        renewing = begun(pool, lambda: workers.renew(system, worker, {run.id: work.fence}))
        outsider.wait_for_queue(1)
        rescuing = begun(pool, lambda: rescues.rescue(system))
        outsider.wait_for_queue(2)
        outsider.let_go()
        assert renewing.result(LONGEST).runs == {run.id: False}
        assert rescuing.result(LONGEST) == 0
    assert stored_run(run.id).status is RunStatus.RUNNING
    outcome = record(system, work, succeeded())
    assert outcome is not None
    assert outcome.status is RunStatus.COMPLETED


def test_a_run_that_somebody_has_locked_keeps_no_other_lease_from_being_renewed(postgresql: str) -> None:
    system = given_system()
    worker = workers.register(system)
    locked, free = two_runs(system, worker)
    leases = Leases(system, worker)
    with leases.holding(locked) as of_locked, leases.holding(free) as of_free:
        with held(postgresql, locked.run_id) as outsider:
            system.clock.advance(1)
            leases.renew()
            assert [renewed(system, work) for work in (locked, free)] == [False, True]
            assert (of_locked.reason, of_free.reason) == (None, None)
            outsider.let_go()
        leases.renew()
        assert renewed(system, locked)
        rescue.take_back(system, [locked.run_id], only_expired=False)
        leases.renew()
        assert (of_locked.reason, of_free.reason) == (AbortReason.LEASE_LOST, None)


def renewed(system: GivenSystem, work: Work) -> bool:
    """Whether the lease of a run was renewed just now."""
    ends_in = stored_run(work.run_id).lease_expires_at - system.clock.now()
    return bool(ends_in.total_seconds() == system.settings.lease_seconds)


def test_a_record_and_a_rescue_of_the_same_run_have_one_winner(postgresql: str) -> None:
    system = given_system()
    for _ in range(10):
        run = first_run(system)
        work = claim_one(system)
        system.clock.advance(system.settings.lease_seconds + 1)
        recorded, rescued = at_once(partial(record, system, work, succeeded()), partial(rescues.rescue, system))
        status = stored_run(run.id).status
        assert (recorded is None, rescued, status) in [(True, 1, RunStatus.RETRYING), (False, 0, RunStatus.COMPLETED)]


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    return in_threads(len(actions), lambda number: actions[number]())


@pytest.mark.usefixtures("_waits")
def test_a_repair_and_a_breaker_that_moves_never_lock_each_other_out(postgresql: str) -> None:
    """Who moves a breaker changes it, and then the key of the runs that it holds."""
    system = given_system()
    run = first_run(system)
    tomorrow = system.clock.now() + timedelta(days=1)
    with database.transaction():
        app = App.get().id
        breakers.open_new("a key", app, "host", opened(tomorrow), tomorrow)
        held_keys.put(HeldKey(key="a key", app_id=app, held_by=Hold.DESTINATION, until=tomorrow))
    with ThreadPoolExecutor(1) as pool, held(postgresql, run.id) as outsider:
        with database.transaction():
            breakers.probe_by(system.clock.now(), system.clock.now())
            repairing = begun(pool, lambda: clock_repairs.repair(system))
            outsider.wait_for_queue(1)
            held_keys.recheck_at("a key", system.clock.now())
        assert repairing.result(LONGEST) == 0
