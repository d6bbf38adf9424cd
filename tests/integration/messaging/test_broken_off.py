"""Workers told to stop, and calls broken off: at shutdown, by the time limit, a cancel, a lost lease."""

from __future__ import annotations

import threading

from core.errors import AbortReason
from core.principals import LOCAL
from core.states import Outcome, RunStatus
from services.jobs import lifecycle
from services.maintenance import rescues
from services.scheduling import dispatching
from tests.factories import GivenSystem, attempts_at, first_run, stored_run
from tests.integration.messaging.house import House, Make, ScriptedReceiver, executed
from tests.waiting import LONGEST

# --- Workers that stop -----------------------------------------------------------------------------------


def test_a_ring_taken_by_a_worker_that_is_told_to_stop_is_made_good_by_the_top_up(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    house.stopping.set()
    house.answer(*system.doorbell.heard())
    assert stored_run(run.id).status is RunStatus.QUEUED
    assert dispatching.top_up(system, house.broker) == 1
    other = House(system)
    other.start()
    other.answer(*system.doorbell.heard())
    other.stop()
    assert executed(receiver, run)


def test_a_run_handed_back_at_shutdown_is_rung_for(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    [ring] = system.doorbell.heard()
    called, let_go = threading.Event(), threading.Event()

    def hang() -> None:
        called.set()
        let_go.wait(LONGEST)

    receiver.first = hang
    house.take(ring)
    assert called.wait(LONGEST)
    house.stopping.set()
    house.leases.abort_all(AbortReason.SHUTDOWN)
    house.finish()
    let_go.set()
    assert stored_run(run.id).status is RunStatus.QUEUED
    assert [attempt.outcome for attempt in attempts_at(run.id)] == [Outcome.RELEASED]
    assert system.doorbell.heard() == [ring]


# --- Stopped from outside, end to end --------------------------------------------------------------------


def test_a_call_that_outlasts_its_time_limit_is_a_transient_failure_saying_the_limit(
    running_system: GivenSystem, receiver: ScriptedReceiver
) -> None:
    system, let_go = running_system, threading.Event()
    receiver.first = lambda: let_go.wait(LONGEST)
    url = f"{receiver.url}/internal/jobs/greet"
    run = first_run(system, callback_url=url, time_limit_seconds=0.2)
    house = House(system)
    house.leases.start()
    house.start()
    house.answer(*system.doorbell.heard())
    let_go.set()
    house.stop()
    house.leases.stop()
    stored = stored_run(run.id)
    assert (stored.status, stored.failure_count, stored.error_type) == (RunStatus.RETRYING, 1, "transient")
    assert "0.2 s" in str(stored.error_message)


def test_a_call_whose_job_is_cancelled_is_cut_and_ends_cancelled(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    called, let_go = threading.Event(), threading.Event()

    def hang() -> None:
        called.set()
        let_go.wait(LONGEST)

    receiver.first = hang
    [ring] = system.doorbell.heard()
    house.take(ring)
    assert called.wait(LONGEST)
    lifecycle.cancel(LOCAL, system, run.job_id)
    house.leases.renew()
    house.finish()
    let_go.set()
    assert stored_run(run.id).status is RunStatus.CANCELLED
    assert system.doorbell.heard() == []


def test_a_call_whose_lease_is_lost_records_nothing(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()

    def freeze() -> None:
        receiver.first = None
        system.clock.advance(61)
        rescues.rescue(system)
        house.leases.renew()

    receiver.first = freeze
    house.answer(*system.doorbell.heard())
    stored = stored_run(run.id)
    assert (stored.status, stored.loss_count, stored.failure_count) == (RunStatus.RETRYING, 1, 0)
    assert [attempt.outcome for attempt in attempts_at(run.id)] == [Outcome.LOST]
