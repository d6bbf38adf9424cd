"""Ageing: who has waited long rises, so that low priority never starves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from core.principals import LOCAL
from core.schedules import DelayFromNow, Immediate, RunAt, Schedule
from services.jobs import definition, editing, lifecycle
from services.scheduling import dispatching, overdue
from tests.factories import (
    NOON,
    GivenSystem,
    claim_one,
    failed,
    first_run,
    given_system,
    in_threads,
    record,
    stored_job,
    stored_run,
)


def test_a_due_run_rises_a_step_each_300_seconds_up_to_the_highest(system: GivenSystem) -> None:
    run = first_run(system, priority=7)
    seen = []
    for seconds in (299, 1, 299, 1, 300):
        system.clock.advance(seconds)
        overdue.age(system)
        seen.append(stored_run(run.id).priority)
    assert seen == [7, 8, 8, 9, 9]


def test_a_low_run_that_has_waited_is_claimed_before_a_newer_one_of_middling_priority(system: GivenSystem) -> None:
    low = first_run(system, priority=4)
    system.clock.advance(300)
    first_run(system, priority=4)
    overdue.age(system)
    middling = first_run(system, priority=5)
    assert [claim_one(system).run_id for _ in range(2)] == [low.id, middling.id]


def test_waiting_counts_from_when_a_run_is_due_and_not_before(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(1_000), priority=1)
    system.clock.advance(999)
    assert overdue.age(system) == 0
    system.clock.advance(1)
    dispatching.make_due(system, [run.id])
    system.clock.advance(299)
    assert overdue.age(system) == 0
    system.clock.advance(1)
    assert (overdue.age(system), stored_run(run.id).priority) == (1, 2)


def test_waiting_for_the_next_try_does_not_count(system: GivenSystem) -> None:
    run = first_run(system, priority=1)
    record(system, claim_one(system), failed(retry_after_seconds=1_000))
    system.clock.advance(1_100)
    dispatching.make_due(system, [run.id])
    assert overdue.age(system) == 0


def test_a_run_that_runs_does_not_rise(system: GivenSystem) -> None:
    run = first_run(system, priority=1)
    claim_one(system)
    system.clock.advance(900)
    assert (overdue.age(system), stored_run(run.id).priority) == (0, 1)


def test_the_step_is_a_setting(store: str) -> None:
    system = given_system(ageing_seconds=10)
    run = first_run(system, priority=1)
    system.clock.advance(10)
    overdue.age(system)
    assert stored_run(run.id).priority == 2


def test_two_that_look_at_once_raise_each_run_once(postgresql: str) -> None:
    system = given_system()
    made = [first_run(system, priority=1) for _ in range(20)]
    system.clock.advance(300)
    in_threads(4, lambda _: overdue.age(system))
    assert {stored_run(run.id).priority for run in made} == {2}


def test_a_held_run_rises_as_others_do(system: GivenSystem) -> None:
    run = first_run(system, priority=1)
    lifecycle.pause(LOCAL, system, run.job_id)
    system.clock.advance(300)
    assert (overdue.age(system), stored_run(run.id).priority) == (1, 2)


def test_a_run_that_an_edit_puts_off_has_its_job_s_priority_again_and_one_that_it_hurries_keeps_its_own(
    system: GivenSystem,
) -> None:
    put_off, hurried = [first_run(system, RunAt(NOON + timedelta(seconds=1)), priority=3) for _ in range(2)]
    system.clock.advance(1)
    dispatching.make_due(system, [put_off.id, hurried.id])
    system.clock.advance(300)
    overdue.age(system)
    move(system, put_off.job_id, DelayFromNow(60))
    move(system, hurried.job_id, Immediate())
    assert [stored_run(run.id).priority for run in (put_off, hurried)] == [3, 4]


def move(system: GivenSystem, job_id: UUID, schedule: Schedule) -> None:
    wanted = replace(definition.of(stored_job(job_id), ()), schedule=schedule)
    editing.edit(LOCAL, system, job_id, lambda _: wanted)
