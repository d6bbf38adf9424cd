"""The threads that renew leases and stop attempts: by themselves, through faults, until they are stopped."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from core.errors import AbortReason, DatabaseUnavailable
from core.principals import LOCAL
from core.states import RunStatus
from services.execution import workers
from services.execution.leases import Leases
from services.execution.work import Work
from services.execution.workers import WorkerIdentity
from services.jobs import lifecycle
from tests.factories import (
    GivenSystem,
    RecordingDoorbell,
    RunningClock,
    claim_one,
    first_run,
    given_system,
    stored_run,
)
from tests.integration.execution.interrupting import Interrupted, away
from tests.waiting import LONGEST, until


def quick_leases(system: GivenSystem, worker: WorkerIdentity) -> Leases:
    """Leases on a clock that runs, whose beats are too short for settings."""
    settings = system.settings.model_copy(update={"lease_seconds": LONGEST, "heartbeat_seconds": 0.05})
    quick = GivenSystem(settings, RunningClock(), RecordingDoorbell())
    return Leases(quick, worker)


def test_the_heartbeat_renews_by_itself(system: GivenSystem, worker: WorkerIdentity, work: Work) -> None:
    leases, interrupted = quick_leases(system, worker), Interrupted()
    leases.start()
    try:
        with leases.holding(work) as scope, scope.interruptible(interrupted.wake):
            lifecycle.cancel(LOCAL, system, work.job_id)
            assert interrupted.comes()
    finally:
        leases.stop()
    assert scope.reason is AbortReason.CANCELLED


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
    settings = system.settings.model_copy(update={"lease_seconds": 3600})
    running = Leases(GivenSystem(settings, system.clock, system.doorbell), worker)
    hurried, interrupted = claim_one(system, worker), Interrupted()
    running.start()
    try:
        with running.holding(work):
            until(lambda: 0 < running._looks_at < 3600, "the watchdog to wait for the first")
            with running.holding(hurried) as scope, scope.interruptible(interrupted.wake):
                system.clock.advance(0.05)
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
    settings = system.settings.model_copy(update={"lease_seconds": 1, "heartbeat_seconds": 0.1})
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
    assert stopped >= 0.9
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
