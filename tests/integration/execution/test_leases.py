"""Leases: renewed together; each attempt is stopped when it must not go on, before anyone else may begin."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from core.errors import AbortReason, DatabaseUnavailable, TransientFailure
from core.principals import LOCAL
from core.states import RunStatus
from services.execution import reports, rescue, workers
from services.execution.leases import Leases
from services.execution.work import Work
from services.execution.workers import WorkerIdentity
from services.jobs import lifecycle as job_service
from services.maintenance import upkeep
from services.scheduling import dispatching
from tests.factories import (
    NOON,
    GivenSystem,
    RecordingDoorbell,
    RunningClock,
    claim_one,
    first_run,
    given_system,
    stored_run,
)
from tests.integration.execution.attempting import make_due_again
from tests.integration.execution.reporting import sender
from tests.waiting import LONGEST, until

LEASE = timedelta(seconds=60)


@pytest.fixture
def worker(system: GivenSystem) -> WorkerIdentity:
    return workers.register(system)


@pytest.fixture
def leases(system: GivenSystem, worker: WorkerIdentity) -> Iterator[Leases]:
    """Leases whose threads a test starts when the clock is where it wants it."""
    made = Leases(system, worker)
    yield made
    if any(thread.is_alive() for thread in made._threads):
        made.stop()


@pytest.fixture
def work(system: GivenSystem, worker: WorkerIdentity) -> Work:
    """An attempt under way, begun at noon; its time limit is longer than its lease."""
    first_run(system, time_limit_seconds=600)
    return claim_one(system, worker)


class Interrupted:
    """Blocked work: notices when it is interrupted."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wake(self) -> None:
        self._event.set()

    def comes(self) -> bool:
        return self._event.wait(LONGEST)


def away(*_: Any) -> Any:
    raise DatabaseUnavailable("The database is away.")


# --- Renewing ----------------------------------------------------------------------------------------------


def test_renewing_moves_the_end_of_the_lease(system: GivenSystem, leases: Leases, work: Work) -> None:
    with leases.holding(work) as scope:
        system.clock.advance(15)
        leases.renew()
        assert stored_run(work.run_id).lease_expires_at == system.clock.now() + LEASE
        assert scope.reason is None


def test_an_attempt_renewed_again_and_again_outlives_its_first_lease(
    system: GivenSystem, leases: Leases, work: Work
) -> None:
    with leases.holding(work) as scope:
        for _ in range(20):
            system.clock.advance(15)
            leases.renew()
            assert upkeep.rescue(system) == 0
        assert scope.reason is None


def test_all_leases_of_a_process_are_renewed_at_once(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity, work: Work
) -> None:
    first_run(system)
    other = claim_one(system, worker)
    with leases.holding(work), leases.holding(other):
        system.clock.advance(15)
        leases.renew()
    assert {stored_run(one.run_id).lease_expires_at for one in (work, other)} == {system.clock.now() + LEASE}


def test_an_attempt_no_longer_held_is_not_renewed(system: GivenSystem, leases: Leases, work: Work) -> None:
    with leases.holding(work):
        pass
    system.clock.advance(15)
    leases.renew()
    assert stored_run(work.run_id).lease_expires_at == NOON + LEASE


def test_renewing_with_nothing_held_says_that_the_worker_lives(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity
) -> None:
    leases.renew()


def test_a_renewal_keeps_the_fence(system: GivenSystem, leases: Leases, work: Work) -> None:
    with leases.holding(work):
        leases.renew()
    assert stored_run(work.run_id).fence == work.fence


# --- Stopping ----------------------------------------------------------------------------------------------


def test_an_attempt_whose_lease_was_taken_is_stopped_at_the_next_renewal(
    system: GivenSystem, leases: Leases, work: Work
) -> None:
    with leases.holding(work) as scope:
        system.clock.advance(61)
        upkeep.rescue(system)
        leases.renew()
        assert scope.reason is AbortReason.LEASE_LOST


def test_a_lease_taken_and_claimed_again_by_the_same_worker_is_lost_to_the_first_attempt_only(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity, work: Work
) -> None:
    """The process was frozen, came back, and claimed the same run before its old attempt noticed."""
    with leases.holding(work):
        pass
    system.clock.advance(61)
    upkeep.rescue_all(system)
    assert workers.renew(system, worker, {work.run_id: work.fence}) == {}


def test_an_attempt_that_was_followed_by_another_in_the_same_process_is_stopped(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity
) -> None:
    run = first_run(system)
    former = claim_one(system, worker)
    with leases.holding(former) as scope:
        reports.fail(system, sender(former), TransientFailure("The printer is out of paper."))
        make_due_again(system, run.id)
        with leases.holding(claim_one(system, worker)) as newer:
            leases.renew()
            assert newer.reason is None
            assert scope.reason is AbortReason.LEASE_LOST


def test_an_attempt_is_stopped_once_its_cancel_was_requested(system: GivenSystem, leases: Leases, work: Work) -> None:
    with leases.holding(work) as scope:
        job_service.cancel(LOCAL, system, work.job_id)
        assert scope.reason is None
        leases.renew()
        assert scope.reason is AbortReason.CANCELLED


def test_the_others_go_on_when_one_is_cancelled(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity, work: Work
) -> None:
    first_run(system)
    other = claim_one(system, worker)
    with leases.holding(work) as scope, leases.holding(other) as spared:
        job_service.cancel(LOCAL, system, work.job_id)
        leases.renew()
        assert (scope.reason, spared.reason) == (AbortReason.CANCELLED, None)


def test_an_attempt_is_stopped_at_its_time_limit(system: GivenSystem, leases: Leases, worker: WorkerIdentity) -> None:
    first_run(system, time_limit_seconds=7)
    work, interrupted = claim_one(system, worker), Interrupted()
    with leases.holding(work) as scope, scope.interruptible(interrupted.wake):
        system.clock.advance(7)
        leases.start()
        assert interrupted.comes()
        assert scope.reason is AbortReason.TIME_LIMIT


def test_an_attempt_is_not_stopped_before_its_time_limit(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity
) -> None:
    first_run(system, time_limit_seconds=7)
    work = claim_one(system, worker)
    with leases.holding(work) as scope:
        system.clock.advance(6.999)
        assert leases._overdue()[0] == []
        assert leases._overdue()[1] == pytest.approx(0.001)
        assert scope.reason is None


def test_an_attempt_that_cannot_be_renewed_is_stopped_a_heartbeat_before_its_lease_ends(
    system: GivenSystem, leases: Leases, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "renew", away)
    interrupted = Interrupted()
    with leases.holding(work) as scope, scope.interruptible(interrupted.wake):
        system.clock.advance(44.999)
        assert leases._overdue()[0] == []
        system.clock.advance(0.001)
        leases.start()
        assert interrupted.comes()
        assert scope.reason is AbortReason.LEASE_LOST
    assert stored_run(work.run_id).lease_expires_at == system.clock.now() + timedelta(seconds=15)


def test_the_time_counts_from_before_the_renewal_was_sent(
    system: GivenSystem, leases: Leases, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renewal that took ten seconds to be answered was no more than granted when it was asked for."""
    answer = workers.renew

    def slow(*arguments: Any) -> Any:
        answered = answer(*arguments)
        system.clock.advance(10)
        return answered

    monkeypatch.setattr(workers, "renew", slow)
    with leases.holding(work):
        leases.renew()
        assert leases._overdue()[1] == pytest.approx(45 - 10)


def test_the_lease_counts_from_before_the_claim_though_the_handler_starts_later(
    system: GivenSystem, leases: Leases, work: Work
) -> None:
    system.clock.advance(20)
    with leases.holding(work):
        assert leases._overdue()[1] == pytest.approx(45 - 20)


def test_the_wall_clock_stops_nobody(system: GivenSystem, leases: Leases, work: Work) -> None:
    with leases.holding(work) as scope:
        system.clock.set(NOON + timedelta(days=1))
        assert leases._overdue()[0] == []
        assert scope.reason is None


def test_a_shutdown_stops_all_and_whatever_is_claimed_after_it(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity, work: Work
) -> None:
    first_run(system)
    first_run(system)
    other, late = claim_one(system, worker), claim_one(system, worker)
    with leases.holding(work) as scope, leases.holding(other) as second:
        leases.abort_all(AbortReason.SHUTDOWN)
        leases.abort_all(AbortReason.CANCELLED)
        assert (scope.reason, second.reason) == (AbortReason.SHUTDOWN, AbortReason.SHUTDOWN)
    with leases.holding(late) as third:
        assert third.reason is not None


def test_an_attempt_that_is_over_takes_nothing_from_the_next_at_the_same_run(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity, work: Work
) -> None:
    rescue.take_back(system, [work.run_id], only_expired=False)
    dispatching.make_due(system, [work.run_id])
    system.clock.advance(5)
    dispatching.make_due(system, [work.run_id])
    with ExitStack() as refused:
        refused.enter_context(leases.holding(work))
        again = claim_one(system, worker)
        assert (again.run_id, again.attempt) == (work.run_id, 2)
        with leases.holding(again) as scope:
            refused.close()
            assert [held.work for held in leases._snapshot()] == [again]
            assert scope.reason is None


# --- The threads -------------------------------------------------------------------------------------------


def quick_leases(system: GivenSystem, worker: WorkerIdentity) -> Leases:
    """Leases on a clock that runs, with beats too short for settings."""
    settings = system.settings.model_copy(update={"lease_seconds": 0.2, "heartbeat_seconds": 0.05})
    quick = GivenSystem(settings, RunningClock(), RecordingDoorbell())
    return Leases(quick, worker)


def test_the_heartbeat_renews_by_itself(system: GivenSystem, worker: WorkerIdentity, work: Work) -> None:
    leases, interrupted = quick_leases(system, worker), Interrupted()
    leases.start()
    try:
        with leases.holding(work) as scope, scope.interruptible(interrupted.wake):
            job_service.cancel(LOCAL, system, work.job_id)
            assert interrupted.comes()
    finally:
        leases.stop()
    assert scope.reason is not None


def test_the_watchdog_is_woken_only_for_an_attempt_that_must_stop_before_it_looks(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[bool] = []
    monkeypatch.setattr(leases._changed, "notify_all", lambda: woken.append(True))
    first_run(system, time_limit_seconds=7)
    hurried = claim_one(system, worker)
    leases._looks_at = system.clock.monotonic() + 40
    with leases.holding(work):
        assert woken == []
        with leases.holding(hurried):
            assert woken == [True]


def test_an_attempt_with_a_shorter_limit_is_stopped_though_the_watchdog_waits_for_a_longer_one(
    system: GivenSystem, leases: Leases, worker: WorkerIdentity, work: Work
) -> None:
    first_run(system, time_limit_seconds=0.05)
    running = Leases(GivenSystem(system.settings, RunningClock(), RecordingDoorbell()), worker)
    hurried, interrupted = claim_one(system, worker), Interrupted()
    running.start()
    try:
        with running.holding(work):
            until(lambda: 0 < running._looks_at < 3600, "the watchdog to wait for the first")
            with running.holding(hurried) as scope, scope.interruptible(interrupted.wake):
                assert interrupted.comes()
    finally:
        running.stop()
    assert scope.reason is AbortReason.TIME_LIMIT


def test_a_heartbeat_that_failed_is_tried_again(
    system: GivenSystem, worker: WorkerIdentity, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool] = []
    third = threading.Event()

    def fail_at_first(*_: Any) -> dict[Any, bool]:
        calls.append(True)
        if len(calls) < 3:
            raise DatabaseUnavailable("The database is away.")
        third.set()
        return {}

    monkeypatch.setattr(workers, "renew", fail_at_first)
    leases = quick_leases(system, worker)
    leases.start()
    assert third.wait(LONGEST)
    leases.stop()


def test_with_the_database_away_an_attempt_stops_itself_while_its_lease_still_holds(
    system: GivenSystem, worker: WorkerIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = RunningClock()
    settings = system.settings.model_copy(update={"lease_seconds": 0.5, "heartbeat_seconds": 0.1})
    running = GivenSystem(settings, clock, RecordingDoorbell())
    run = first_run(running)
    leases = Leases(running, worker)
    work, interrupted = claim_one(running, worker), Interrupted()
    monkeypatch.setattr(workers, "renew", away)
    leases.start()
    try:
        with leases.holding(work) as scope, scope.interruptible(interrupted.wake):
            assert interrupted.comes()
            stopped = clock.monotonic() - work.claimed_monotonic
    finally:
        leases.stop()
    assert scope.reason is AbortReason.LEASE_LOST
    assert stopped >= 0.4
    assert stored_run(run.id).status is RunStatus.RUNNING


def test_stopping_waits_for_the_threads_and_leaves_attempts_to_their_leases(
    system: GivenSystem, leases: Leases, work: Work
) -> None:
    leases.start()
    with leases.holding(work) as scope:
        leases.stop()
        assert not any(thread.is_alive() for thread in leases._threads)
        assert scope.reason is None
    assert stored_run(work.run_id).status is RunStatus.RUNNING


def test_a_worker_with_nothing_to_do_stops_at_once(postgresql: str) -> None:
    system = given_system()
    leases = Leases(system, workers.register(system))
    leases.start()
    leases.stop()
    assert not any(thread.is_alive() for thread in leases._threads)
