"""Rings that come before their run's instant."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import dramatiq
import pytest
from dramatiq.common import current_millis, dq_name

from core.schedules import DelayFromNow
from core.states import RunStatus
from services.messaging.broker import InProcessBroker
from services.messaging.doorbell import BrokerDoorbell, Ring
from services.scheduling import dispatching
from tests.factories import (
    NOON,
    GivenClock,
    GivenSystem,
    RecordingDoorbell,
    RunningClock,
    attempts_at,
    first_run,
    given_system,
    stored_run,
)
from tests.integration.messaging.house import QUEUE, House, Make, ScriptedReceiver, executed
from tests.waiting import LONGEST


class Wavering(GivenClock):
    """A clock that is put back a little whenever someone waited for it, so many times; then the instant comes."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    def now(self) -> datetime:
        if self._left == 0:
            return super().now() + timedelta(seconds=1)
        return super().now()

    def waver(self) -> None:
        self._left -= 1


def test_a_ring_less_than_a_second_early_waits_for_its_instant(
    running_system: GivenSystem, receiver: ScriptedReceiver
) -> None:
    system = running_system
    url = f"{receiver.url}/internal/jobs/greet"
    run = first_run(system, DelayFromNow(0.3), callback_url=url)
    [ring] = system.doorbell.heard()
    house = House(system)
    house.start()
    house.answer(ring)
    house.stop()
    assert executed(receiver, run)
    [attempt] = attempts_at(run.id)
    assert attempt.started_at >= run.due_at


def test_a_ring_that_waited_and_is_still_early_waits_again(
    store: str, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock follows the database's, so it may be put back while someone waits for an instant."""
    clock = Wavering(times=3)
    system = GivenSystem(given_system().settings, clock, RecordingDoorbell())
    run = first_run(system, DelayFromNow(0.01), callback_url=f"{receiver.url}/internal/jobs/greet")
    [ring] = system.doorbell.heard()
    arrive = dispatching.arrive

    def arrive_again(*arguments: Any) -> float:
        early = arrive(*arguments)
        clock.waver()
        return early

    monkeypatch.setattr(dispatching, "arrive", arrive_again)
    house = House(system)
    house.start()
    house.answer(ring)
    house.stop()
    assert executed(receiver, run)


def test_a_ring_more_than_a_second_early_is_sent_again_for_its_instant(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute(DelayFromNow(1.5))
    [ring] = system.doorbell.heard()
    house.answer(ring)
    assert stored_run(run.id).status is RunStatus.PENDING
    assert system.doorbell.heard() == [Ring(run.id, QUEUE, NOON + timedelta(seconds=1.5))]
    system.clock.advance(1.5)
    house.answer(ring)
    assert executed(receiver, run)


def test_an_early_ring_taken_by_a_worker_that_is_told_to_stop_is_sent_again(
    system: GivenSystem, house: House, run_to_execute: Make
) -> None:
    run = run_to_execute(DelayFromNow(0.5))
    [ring] = system.doorbell.heard()
    house.stopping.set()
    house.answer(ring)
    assert stored_run(run.id).status is RunStatus.PENDING
    assert system.doorbell.heard() == [ring]


@pytest.mark.parametrize("drift_seconds", [-3600, -5, 0, 5, 3600])
def test_a_delay_counts_from_the_databases_clock_however_wrong_this_machines_is(drift_seconds: float) -> None:
    """Else a machine ahead of the database would send an early ring again and again, without any delay."""
    clock, broker = RunningClock(), InProcessBroker()
    clock.advance(drift_seconds)
    broker.declare_queue(QUEUE)
    bell = BrokerDoorbell(broker, clock)
    bell.start()
    before = current_millis()
    bell.ring([Ring(UUID(int=1), QUEUE, clock.now() + timedelta(seconds=20))])
    bell.close(LONGEST)
    message = dramatiq.Message.decode(broker.queues[dq_name(QUEUE)].get_nowait())
    assert 19_900 <= message.options["eta"] - before <= 20_000 + (current_millis() - before)
