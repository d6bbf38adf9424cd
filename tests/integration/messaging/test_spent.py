"""Rings spent on another run, or while their own is held or running."""

from __future__ import annotations

from core.principals import LOCAL
from core.schedules import DelayFromNow
from core.states import RunStatus
from services.jobs import lifecycle
from services.maintenance import rescues
from tests.factories import GivenSystem, claim_one, failed, record, stored_run
from tests.integration.messaging.house import House, Make, ScriptedReceiver, dispatch, executed


def test_a_ring_spent_on_a_more_urgent_run_leaves_that_runs_ring_for_its_own(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    ordinary, urgent = run_to_execute(), run_to_execute(priority=9)
    first, second = system.doorbell.heard()
    assert first.run_id == ordinary.id
    receiver.first = lambda: system.clock.advance(2)  # a second has passed: the message is let go
    house.answer(first)
    assert executed(receiver, urgent)
    assert stored_run(ordinary.id).status is RunStatus.QUEUED
    house.answer(second)
    assert executed(receiver, ordinary)


def test_one_ring_is_enough_for_all_that_a_worker_can_do_within_a_second(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    made = [run_to_execute() for _ in range(4)]
    house.answer(system.doorbell.heard()[0])
    assert all(executed(receiver, run) for run in made)


def test_a_run_whose_ring_came_while_it_was_paused_is_rung_for_at_the_resume(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    lifecycle.pause(LOCAL, system, run.job_id)
    house.answer(*system.doorbell.heard())
    assert receiver.calls_for(run.id) == 0
    lifecycle.resume(LOCAL, system, run.job_id)
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_a_run_whose_delayed_ring_came_while_it_was_paused_is_rung_for_at_the_resume(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute(DelayFromNow(1))
    lifecycle.pause(LOCAL, system, run.job_id)
    system.clock.advance(1)
    house.answer(*system.doorbell.heard())
    assert stored_run(run.id).held_by == "paused"
    lifecycle.resume(LOCAL, system, run.job_id)
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_a_ring_spent_while_its_run_is_running_is_followed_by_that_of_the_retry(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    elsewhere = claim_one(system)
    house.answer(*system.doorbell.heard())
    assert receiver.calls_for(run.id) == 0
    record(system, elsewhere, failed())
    system.clock.advance(120)
    dispatch(system)
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)


def test_a_run_whose_worker_died_is_rung_for_when_its_wait_is_over(
    system: GivenSystem, house: House, receiver: ScriptedReceiver, run_to_execute: Make
) -> None:
    run = run_to_execute()
    claim_one(system)
    house.answer(*system.doorbell.heard())
    system.clock.advance(61)
    rescues.rescue(system)
    system.clock.advance(2)
    dispatch(system)
    house.answer(*system.doorbell.heard())
    assert executed(receiver, run)
