"""A run that no worker takes for long is late, and its job's owner is told once until it recovers."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from core.policies import Overlap
from core.principals import LOCAL
from core.rates import Rate
from core.schedules import Cron, DelayFromNow, Immediate, Interval, Schedule
from models import database
from models.tables import Alert
from services.execution import held_runs
from services.jobs import creating, definition, editing, lifecycle
from services.scheduling import dispatching, overdue, overlap_queue, planning
from tests.factories import (
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    given_system,
    new_job,
    record,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.execution.attempting import make_due_again
from tests.integration.scheduling.refusing import refuse

LATE_SECONDS = 300
DAY = 86_400.0


def alerts() -> list[tuple[str, str | None]]:
    with database.reading():
        return [(alert.kind.value, alert.words) for alert in Alert.select().order_by(Alert.id)]


def test_a_run_that_no_worker_takes_is_late_and_told_once(system: GivenSystem) -> None:
    run = first_run(system, Immediate())
    system.clock.advance(LATE_SECONDS)
    assert overdue.watch_late(system) == 0
    found_at = system.clock.advance(1)
    assert [overdue.watch_late(system) for _ in range(2)] == [1, 0]
    assert stored_run(run.id).late_at == found_at
    [(kind, words)] = alerts()
    assert kind == "late"
    assert str(run.id) in (words or "")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_late_run_that_cannot_be_marked_keeps_no_other_from_it(system: GivenSystem) -> None:
    refused, other = [first_run(system) for _ in range(2)]
    refuse("UPDATE OF late_at ON runs", refused.id)
    found_at = system.clock.advance(LATE_SECONDS + 1)
    assert overdue.watch_late(system) == 1
    assert [stored_run(run.id).late_at for run in (refused, other)] == [None, found_at]


def test_how_long_is_late_can_be_set(store: str) -> None:
    system = given_system(late_seconds=10)
    first_run(system, Immediate())
    system.clock.advance(11)
    assert overdue.watch_late(system) == 1


def test_a_job_whose_late_run_goes_well_has_not_recovered_until_one_is_in_time(store: str) -> None:
    system = given_system(plan_ahead_seconds=600)
    job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=600)))
    for _ in range(2):
        planning.plan(system)
        run = runs_of(job_id)[-1]
        make_due_again(system, run.id)
        system.clock.advance(LATE_SECONDS + 1)
        overdue.watch_late(system)
        record(system, claim_one(system), succeeded())
        assert stored_job(job_id).late_since is not None
    assert len(alerts()) == 1
    planning.plan(system)
    make_due_again(system, runs_of(job_id)[-1].id)
    record(system, claim_one(system), succeeded())
    assert stored_job(job_id).late_since is None


def move(system: GivenSystem, job_id: UUID, schedule: Schedule) -> None:
    job = stored_job(job_id)
    editing.edit(LOCAL, system, job_id, lambda _: replace(definition.of(job, ()), schedule=schedule))


def test_a_late_run_that_an_edit_moves_is_in_time_at_its_new_instant(system: GivenSystem) -> None:
    run = first_run(system, Immediate())
    system.clock.advance(LATE_SECONDS + 1)
    overdue.watch_late(system)
    move(system, run.job_id, DelayFromNow(DAY))
    assert stored_run(run.id).late_at is None
    system.clock.advance(DAY)
    dispatching.make_due(system, [run.id])
    record(system, claim_one(system), succeeded())
    assert (stored_job(run.job_id).late_since, len(alerts())) == (None, 1)


@pytest.mark.parametrize("held", [False, True])
def test_a_run_that_an_edit_moves_is_late_by_its_new_instant(system: GivenSystem, held: bool) -> None:
    run = first_run(system, Immediate())
    system.clock.advance(LATE_SECONDS + 1)
    if held:
        lifecycle.pause(LOCAL, system, run.job_id)
        lifecycle.resume(LOCAL, system, run.job_id)
    assert overdue.watch_late(system) == (0 if held else 1)
    move(system, run.job_id, DelayFromNow(DAY))
    system.clock.advance(DAY)
    dispatching.make_due(system, [run.id])
    system.clock.advance(LATE_SECONDS)
    assert overdue.watch_late(system) == 0
    system.clock.advance(1)
    assert overdue.watch_late(system) == 1


def test_what_was_begun_is_not_late(system: GivenSystem) -> None:
    run = first_run(system, Immediate())
    record(system, claim_one(system), failed())
    make_due_again(system, run.id)
    system.clock.advance(LATE_SECONDS + 1)
    assert overdue.watch_late(system) == 0


def test_what_a_pause_held_is_not_late(system: GivenSystem) -> None:
    run = first_run(system, Immediate())
    lifecycle.pause(LOCAL, system, run.job_id)
    system.clock.advance(LATE_SECONDS + 1)
    assert overdue.watch_late(system) == 0
    lifecycle.resume(LOCAL, system, run.job_id)
    assert overdue.watch_late(system) == 0


def test_what_waited_for_its_turn_is_not_late(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Interval(every_seconds=60), overlap=Overlap.QUEUE_ONE))
    planning.plan(system)
    first, second = runs_of(job_id)[:2]
    make_due_again(system, first.id)
    work = claim_one(system)
    system.clock.advance(60)
    dispatching.make_due(system, [second.id])
    system.clock.advance(LATE_SECONDS + 1)
    assert overdue.watch_late(system) == 0
    record(system, work, succeeded())
    overlap_queue.give_all(system)
    assert (stored_run(second.id).held_by, overdue.watch_late(system)) == (None, 0)


def test_what_waited_for_a_permit_is_not_late(store: str) -> None:
    system = given_system(account_rate=Rate(calls=1, seconds=400))
    runs = [first_run(system, Immediate()) for _ in range(2)]
    [work] = claim(system)
    record(system, work, succeeded())
    system.clock.advance(LATE_SECONDS + 101)
    held_runs.release_due_keys(system)
    assert [stored_run(run.id).held_by for run in runs] == [None, None]
    assert overdue.watch_late(system) == 0


def test_an_occurrence_that_is_caught_up_hours_late_is_told(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron("0 */6 * * *")))
    planning.plan(system)
    system.clock.advance(11 * 3600)  # nobody planned: one occurrence was due five hours ago
    planning.plan(system)
    assert [kind for kind, _ in alerts()] == ["late"]
    [run] = [run for run in runs_of(job_id) if run.late_at is not None]
    make_due_again(system, run.id)
    record(system, claim_one(system), succeeded())
    assert (len(alerts()), stored_job(job_id).late_since is None) == (1, False)


def test_an_occurrence_that_is_caught_up_after_a_short_absence_is_not_told(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(Cron("0 * * * *")))
    system.clock.advance(3600 + 120)
    planning.plan(system)
    assert alerts() == []
