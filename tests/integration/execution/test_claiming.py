"""Claim: the most urgent runs that are due and not held, each to one worker, without waiting."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import schedules
from core.principals import LOCAL
from core.states import Hold, Outcome, RunStatus
from models import database
from models.postgresql import TIME_OUTS
from models.tables import Attempt, Run, db
from services.execution import claiming, workers
from services.jobs import creating, lifecycle
from services.scheduling import dispatching
from tests.factories import (
    NOON,
    GivenSystem,
    attempts_at,
    claim,
    claim_one,
    failed,
    first_run,
    given_system,
    in_threads,
    new_job,
    record,
    stored_run,
    succeeded,
)
from tests.outsider import outsider

LATER = NOON + timedelta(hours=1)


def queued_run(
    system: GivenSystem, *, priority: int = 5, deadline: datetime | None = None, due_minutes_ago: int = 0
) -> UUID:
    """A run that is due, with these claims to urgency."""
    run = first_run(system, priority=priority)
    with database.transaction():
        due_at = NOON - timedelta(minutes=due_minutes_ago)
        Run.update(deadline_at=deadline, due_at=due_at).where(Run.id == run.id).execute()
    return run.id


def claimed_in_order(system: GivenSystem) -> list[UUID]:
    """What workers get that ask for one run each, one after the other."""
    claimed = []
    while works := claim(system, 1):
        claimed.append(works[0].run_id)
    return claimed


@pytest.mark.parametrize("seed", range(3))
def test_the_most_urgent_goes_first(system: GivenSystem, seed: int) -> None:
    """Priority, then the earliest deadline, none last, then whoever is due longest."""
    in_order: list[dict[str, Any]] = [
        {"priority": 9},
        {"priority": 7, "deadline": LATER, "due_minutes_ago": 1},
        {"priority": 7, "deadline": LATER},
        {"priority": 7, "deadline": LATER + timedelta(microseconds=1), "due_minutes_ago": 9},
        {"priority": 7, "due_minutes_ago": 8},
        {"priority": 7, "due_minutes_ago": 2},
        {"priority": 5, "deadline": NOON - timedelta(hours=1)},
        {"priority": 0, "due_minutes_ago": 60},
    ]
    shuffled = random.Random(seed).sample(range(len(in_order)), len(in_order))
    made = {number: queued_run(system, **in_order[number]) for number in shuffled}
    assert claimed_in_order(system) == [made[number] for number in range(len(in_order))]


def test_of_equals_the_one_made_first_goes_first(system: GivenSystem) -> None:
    made = [first_run(system).id for _ in range(5)]
    assert claimed_in_order(system) == made


def test_a_claim_of_several_takes_the_most_urgent_of_them(system: GivenSystem) -> None:
    made = {priority: queued_run(system, priority=priority) for priority in (3, 8, 1, 6)}
    assert {work.run_id for work in claim(system, 2)} == {made[8], made[6]}


def test_a_claim_takes_what_there_is_and_then_nothing(system: GivenSystem) -> None:
    first_run(system)
    assert len(claim(system, 5)) == 1
    assert claim(system, 5) == []


def test_another_queue_is_left_alone(system: GivenSystem) -> None:
    first_run(system)
    assert claiming.claim(system, workers.register(system), "runs.mail", 5) == []


@pytest.mark.parametrize("status", [status for status in RunStatus if status is not RunStatus.QUEUED])
def test_only_what_is_queued_can_be_claimed(system: GivenSystem, status: RunStatus) -> None:
    run = first_run(system)
    over = status in set(RunStatus) - {RunStatus.PENDING, RunStatus.RUNNING, RunStatus.RETRYING}
    leased = status is RunStatus.RUNNING
    with database.transaction():
        Run.update(
            status=status,
            finished_at=NOON if over else None,
            lease_expires_at=NOON if leased else None,
            worker_id=run.id if leased else None,
        ).execute()
    assert claim(system) == []


def test_a_held_run_is_not_claimed_however_urgent(system: GivenSystem) -> None:
    run = first_run(system, priority=9)
    lifecycle.pause(LOCAL, system, run.job_id)
    assert stored_run(run.id).held_by is Hold.PAUSED
    ordinary = first_run(system)
    assert claimed_in_order(system) == [ordinary.id]


def test_a_pending_run_is_not_claimed_though_its_instant_has_come(system: GivenSystem) -> None:
    """Only the dispatcher makes due, since it decides about pause and overlap."""
    run = first_run(system, schedules.DelayFromNow(10))
    system.clock.advance(60)
    assert claim(system) == []
    dispatching.make_due(system, [run.id])
    assert claim_one(system).run_id == run.id


def test_a_claim_opens_an_attempt_under_a_lease(system: GivenSystem) -> None:
    run = first_run(system)
    system.clock.advance(3)
    worker = workers.register(system)
    work = claim_one(system, worker)
    assert (work.run_id, work.job_id, work.attempt, work.fence) == (run.id, run.job_id, 1, 1)
    assert work.claimed_monotonic == system.clock.monotonic()
    stored = stored_run(run.id)
    assert stored.status is RunStatus.RUNNING
    assert (stored.attempt_count, stored.fence, stored.worker_id) == (1, 1, worker.id)
    assert stored.started_at == system.clock.now()
    assert stored.lease_expires_at == system.clock.now() + timedelta(seconds=60)
    [attempt] = attempts_at(run.id)
    assert (attempt.number, attempt.fence, attempt.worker_id) == (1, 1, worker.id)
    assert (attempt.started_at, attempt.finished_at, attempt.outcome) == (system.clock.now(), None, None)


def test_the_next_attempt_counts_on_and_the_run_keeps_its_first_start(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    record(system, work, failed())
    system.clock.advance(70)
    dispatching.make_due(system, [run.id])
    again = claim_one(system)
    assert (again.run_id, again.attempt) == (run.id, 2)
    assert again.fence > work.fence
    assert stored_run(run.id).started_at == NOON
    assert [attempt.started_at for attempt in attempts_at(run.id)] == [NOON, system.clock.now()]


def test_a_handler_is_told_all_it_needs(system: GivenSystem) -> None:
    data = {"b": 1, "a": [2]}
    first_run(system, data=data, board_id="board1", task_type="mail", time_limit_seconds=7)
    work = claim_one(system)
    assert (work.data, work.board_id, work.task_type) == (data, "board1", "mail")
    assert work.target.url == "http://127.0.0.1:9/internal/jobs/mail"
    assert work.time_limit_seconds == 7
    assert work.scheduled_for == NOON
    assert work.polling_state is None


def test_a_time_limit_not_given_is_that_of_the_settings(system: GivenSystem) -> None:
    first_run(system)
    assert claim_one(system).time_limit_seconds == system.settings.callback_time_limit_seconds


@pytest.mark.parametrize("claimers", [2, 16])
def test_claimers_at_once_never_share_a_run_and_together_take_all(postgresql: str, claimers: int) -> None:
    system = given_system()
    made = {first_run(system, priority=number % 3).id for number in range(96)}

    def take_all(number: int) -> list[UUID]:
        worker = workers.register(system)
        taken: list[UUID] = []
        while works := claim(system, 1 + number % 4, worker):
            taken.extend(work.run_id for work in works)
        return taken

    taken = [run_id for some in in_threads(claimers, take_all) for run_id in some]
    assert len(taken) == len(set(taken)), "a run was claimed twice"
    # A claim passes over rows that others hold, so the last to ask may find nothing while one is undone: none is here.
    assert set(taken) == made
    assert all(stored_run(run_id).attempt_count == 1 for run_id in made)


def test_a_run_locked_by_someone_else_is_passed_over_without_waiting(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = given_system()
    urgent, other = first_run(system, priority=9), first_run(system)
    locking = "SELECT 1 FROM runs WHERE id = %s FOR NO KEY UPDATE"
    with outsider(postgresql, locking, str(urgent.id)), monkeypatch.context() as impatient:
        impatient.setitem(TIME_OUTS, "lock_timeout", "1ms")  # whoever waits at all, fails
        assert [work.run_id for work in claim(system)] == [other.id]
    assert [work.run_id for work in claim(system)] == [urgent.id]


def test_a_claim_does_not_wait_for_a_locked_job_either(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system = given_system()
    run = first_run(system)
    monkeypatch.setitem(TIME_OUTS, "lock_timeout", "1ms")
    with outsider(postgresql, "SELECT 1 FROM jobs WHERE id = %s FOR NO KEY UPDATE", str(run.job_id)):
        assert claim_one(system).run_id == run.id


def test_a_claim_that_is_undone_leaves_the_run_to_the_next(system: GivenSystem) -> None:
    run = first_run(system)
    with database.transaction(), db.atomic() as nested:
        claim_one(system)
        nested.rollback()
    work = claim_one(system)
    assert (work.run_id, work.attempt, work.fence) == (run.id, 1, 1)


def test_what_has_ended_stays_ended(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job())
    record(system, claim_one(system), succeeded())
    assert claim(system) == []


def test_an_attempt_is_stored_once_it_has_ended(system: GivenSystem) -> None:
    run = first_run(system)
    work = claim_one(system)
    assert Attempt.select().count() == 0
    record(system, work, succeeded())
    [stored] = Attempt.select()
    assert (stored.run_id, stored.number, stored.started_at, stored.outcome) == (run.id, 1, NOON, Outcome.SUCCEEDED)
    assert stored_run(run.id).claimed_at is None
