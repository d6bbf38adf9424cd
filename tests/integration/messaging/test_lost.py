"""Rings that are lost or doubled, and the top-up that makes the lost ones good."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core.principals import LOCAL
from core.schedules import DelayFromNow, Immediate
from core.states import Trigger
from models import database, runs
from services.jobs import lifecycle
from services.messaging.doorbell import Ring
from services.scheduling import dispatching
from tests.factories import NOON, GivenSystem, claim_one, failed, first_run, record, stored_job, succeeded
from tests.integration.messaging.house import QUEUE, Carrier, House, Make, ScriptedReceiver, executed

# --- Lost, doubled ---------------------------------------------------------------------------------------


def test_a_ring_that_is_lost_is_sent_again_by_the_top_up(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    assert len(system.doorbell.heard()) == 1, "and it is lost"
    assert dispatching.top_up(system, Carrier()) == 1
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_a_ring_that_comes_twice_finds_nothing_the_second_time(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    [ring] = system.doorbell.heard()
    house.answer(ring, ring)
    assert executed(receiver, run)


def test_a_ring_for_a_run_that_is_gone_does_no_harm(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    house.answer(Ring(UUID(int=0), QUEUE), Ring(UUID(int=0), QUEUE, NOON))
    run = run_to_execute()
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_rings_deleted_with_their_queue_are_sent_again(
    system: GivenSystem, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    made = [run_to_execute() for _ in range(3)]
    house = House(system)
    for ring in system.doorbell.heard():
        house.take(ring)
    assert dispatching.top_up(system, house.broker) == 0
    house.broker.flush(QUEUE)
    assert dispatching.top_up(system, house.broker) == 3
    house.start()
    house.answer(*system.doorbell.heard())
    house.stop()
    assert all(executed(receiver, run) for run in made)


# --- Top-up ----------------------------------------------------------------------------------------------


def many_runs(system: GivenSystem, count: int) -> UUID:
    """One job with so many runs that are due; its id."""
    job_id = first_run(system).job_id
    job, now = stored_job(job_id), system.clock.now()
    with database.transaction():
        instants = [now - timedelta(seconds=number) for number in range(1, count)]
        runs.insert([runs.draft(job, Trigger.MANUAL, instant, now) for instant in instants])
    system.doorbell.heard()
    return job_id


@pytest.mark.parametrize(("ready", "rung"), [(0, 7), (1, 6), (6, 1), (7, 0), (50, 0)])
def test_the_top_up_rings_only_for_the_difference(system: GivenSystem, ready: int, rung: int) -> None:
    many_runs(system, 7)
    assert dispatching.top_up(system, Carrier(ready)) == rung
    assert len({ring.run_id for ring in system.doorbell.heard()}) == rung


def test_the_top_up_rings_no_oftener_than_threads_can_use(system: GivenSystem) -> None:
    most = dispatching.MAX_RINGS
    many_runs(system, most + 5)
    assert dispatching.top_up(system, Carrier()) == most
    assert len({ring.run_id for ring in system.doorbell.heard()}) == most
    assert dispatching.top_up(system, Carrier(most)) == 0


def test_the_top_up_never_rings_for_held_runs(system: GivenSystem) -> None:
    lifecycle.pause(LOCAL, system, many_runs(system, 5))
    free = first_run(system)
    system.doorbell.heard()
    assert dispatching.top_up(system, Carrier()) == 1
    assert system.doorbell.heard() == [Ring(free.id, QUEUE)]


def test_the_top_up_rings_for_nothing_that_waits_runs_or_is_over(system: GivenSystem) -> None:
    first_run(system, Immediate())
    record(system, claim_one(system), succeeded())
    first_run(system)
    record(system, claim_one(system), failed())
    first_run(system)
    claim_one(system)
    first_run(system, DelayFromNow(1))
    system.clock.advance(1)
    system.doorbell.heard()
    assert dispatching.top_up(system, Carrier()) == 0
    assert system.doorbell.heard() == []
