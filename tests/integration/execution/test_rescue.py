"""Rescue: what follows when a worker has ended before its attempt."""

from __future__ import annotations

from core.principals import LOCAL
from core.schedules import DelayFromNow
from core.states import JobState, Outcome, RunStatus
from models import database
from models.tables import Run
from services.execution import rescue, workers
from services.jobs import lifecycle
from services.maintenance import rescues
from services.scheduling.run_endings import RunOutcome
from tests.factories import (
    GivenSystem,
    attempts_at,
    claim,
    claim_one,
    failed,
    first_run,
    record,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.execution.attempting import LEASE_SECONDS, attempt, make_due_again


def test_a_lease_that_has_not_run_out_is_left_alone(system: GivenSystem) -> None:
    run = first_run(system)
    claim_one(system)
    system.clock.advance(LEASE_SECONDS)
    assert rescues.rescue(system) == 0
    assert stored_run(run.id).status is RunStatus.RUNNING


def test_a_run_whose_lease_has_run_out_is_lost_and_backs_off(system: GivenSystem) -> None:
    run = first_run(system, max_retries=0)
    work = claim_one(system)
    now = system.clock.advance(LEASE_SECONDS + 0.001)
    assert rescues.rescue(system) == 1
    stored = stored_run(run.id)
    assert (stored.status, stored.loss_count, stored.failure_count) == (RunStatus.RETRYING, 1, 0)
    assert 1 <= (stored.due_at - now).total_seconds() < 1.1
    assert stored.fence == work.fence + 1
    assert (stored.lease_expires_at, stored.worker_id, stored.error_type) == (None, None, "lost")
    [tried] = attempts_at(run.id)
    assert (tried.outcome, tried.finished_at, tried.error_type) == (Outcome.LOST, now, "lost")
    assert rescues.rescue(system) == 0


def lose(system: GivenSystem) -> None:
    """Claim the next attempt and rescue it after its lease, as if its worker had died."""
    claim_one(system)
    system.clock.advance(LEASE_SECONDS + 1)
    assert rescues.rescue(system) == 1


def test_the_third_loss_fails_the_run_saying_so(system: GivenSystem) -> None:
    run = first_run(system, max_retries=9)
    for _ in range(2):
        lose(system)
        make_due_again(system, run.id)
    lose(system)
    stored = stored_run(run.id)
    assert (stored.status, stored.loss_count, stored.failure_count) == (RunStatus.FAILED, 3, 0)
    assert str(stored.error_message).startswith("3 workers")
    assert stored_job(run.job_id).state is JobState.FAILED


def test_losses_are_not_counted_against_the_retries_nor_the_other_way_round(system: GivenSystem) -> None:
    run = first_run(system, max_retries=1)
    lose(system)
    make_due_again(system, run.id)
    assert attempt(system, failed())[1].status is RunStatus.RETRYING
    make_due_again(system, run.id)
    lose(system)
    stored = stored_run(run.id)
    assert (stored.status, stored.loss_count, stored.failure_count) == (RunStatus.RETRYING, 2, 1)
    make_due_again(system, run.id)
    assert attempt(system, failed())[1].status is RunStatus.FAILED


def test_a_lease_renewed_in_time_is_left_alone(system: GivenSystem) -> None:
    worker = workers.register(system)
    run = first_run(system)
    work = claim_one(system, worker)
    system.clock.advance(LEASE_SECONDS - 1)
    assert workers.renew(system, worker, {run.id: work.fence}).runs == {run.id: False}
    system.clock.advance(2)
    assert rescues.rescue(system) == 0
    assert stored_run(run.id).status is RunStatus.RUNNING


def test_a_lease_renewed_between_look_and_grasp_is_left_alone(system: GivenSystem) -> None:
    worker = workers.register(system)
    run = first_run(system)
    work = claim_one(system, worker)
    system.clock.advance(LEASE_SECONDS + 1)
    with database.reading():
        seen = [found.id for found in Run.select().where(Run.lease_expires_at < system.clock.now())]
    workers.renew(system, worker, {run.id: work.fence})
    assert rescue.take_back(system, seen, only_expired=True).count == 0
    assert record(system, work, succeeded()) == RunOutcome(RunStatus.COMPLETED)


def test_a_run_recorded_between_look_and_grasp_stays_as_recorded(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    system.clock.advance(LEASE_SECONDS + 1)
    record(system, work, succeeded())
    assert rescue.take_back(system, [run.id], only_expired=True).count == 0
    assert stored_run(run.id).status is RunStatus.COMPLETED


def test_a_run_that_was_to_be_cancelled_ends_cancelled_when_its_worker_dies(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    lifecycle.cancel(LOCAL, system, run.job_id)
    system.clock.advance(LEASE_SECONDS + 1)
    assert rescues.rescue(system) == 1
    stored = stored_run(run.id)
    assert (stored.status, stored.loss_count) == (RunStatus.CANCELLED, 0)
    assert attempts_at(run.id)[0].outcome is Outcome.LOST
    assert record(system, work, succeeded()) is None


def test_a_start_without_any_worker_takes_back_every_run_at_once(system: GivenSystem) -> None:
    made = [first_run(system) for _ in range(3)]
    first_run(system, DelayFromNow(60))
    assert len(claim(system)) == 3
    assert rescues.rescue_all(system) == 3
    assert {stored_run(run.id).status for run in made} == {RunStatus.RETRYING}
    assert rescues.rescue_all(system) == 0
