"""Runs that have lost two workers: a process tries one of them at a time, so that a killer takes nobody with it."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.rates import Rate
from core.retry import APART_SECONDS
from core.states import RunStatus
from models import database
from models.tables import Use
from services.execution import workers
from services.execution.work import Work
from services.execution.workers import WorkerIdentity
from services.maintenance import rescues
from tests.factories import (
    GivenSystem,
    attempts_at,
    claim,
    first_run,
    given_system,
    record,
    stored_run,
    succeeded,
)
from tests.integration.execution.attempting import LEASE_SECONDS, make_due_again


@pytest.fixture
def worker(system: GivenSystem) -> WorkerIdentity:
    return workers.register(system)


def lost_twice(system: GivenSystem, count: int) -> list[UUID]:
    """So many runs whose workers have died twice, due again."""
    run_ids = [first_run(system, max_retries=0).id for _ in range(count)]
    for _ in range(2):
        assert ids(claim(system)) == set(run_ids)
        lose(system)
        due_again(system, run_ids)
    return run_ids


def lose(system: GivenSystem) -> None:
    """Let the workers of all runs under way die."""
    system.clock.advance(LEASE_SECONDS + 1)
    assert rescues.rescue(system) > 0


def due_again(system: GivenSystem, run_ids: list[UUID]) -> None:
    for run_id in run_ids:
        make_due_again(system, run_id)


def ids(works: list[Work]) -> set[UUID]:
    return {work.run_id for work in works}


def test_one_is_tried_at_a_time_and_the_others_wait_for_it(system: GivenSystem, worker: WorkerIdentity) -> None:
    run_ids = lost_twice(system, 3)
    fence = stored_run(run_ids[0]).fence
    [first] = claim(system, worker=worker)
    others = [one for one in run_ids if one != first.run_id]
    for one in map(stored_run, others):
        assert (one.status, one.attempt_count, one.loss_count) == (RunStatus.RETRYING, 2, 2)
        assert (one.worker_id, one.lease_expires_at, one.claimed_at, one.claimed_token_hash) == (None,) * 4
        assert (one.due_at - system.clock.now()).total_seconds() == APART_SECONDS
        assert one.fence == fence + 1, "a fence is given once"
        assert len(attempts_at(one.id)) == 2
    due_again(system, others)
    assert claim(system, worker=worker) == [], "the first is still under way"
    record(system, first, succeeded())
    due_again(system, others)
    [second] = claim(system, worker=worker)
    assert (second.run_id in others, second.attempt) == (True, 3)


def test_each_process_tries_one(system: GivenSystem, worker: WorkerIdentity) -> None:
    run_ids = lost_twice(system, 2)
    [first] = claim(system, worker=worker)
    [other] = {*run_ids} - {first.run_id}
    due_again(system, [other])
    assert ids(claim(system, worker=workers.register(system))) == {other}


def test_what_others_lost_less_goes_on_beside_it(system: GivenSystem, worker: WorkerIdentity) -> None:
    lost_twice(system, 2)
    fresh = {first_run(system).id for _ in range(3)}
    works = claim(system, 4, worker)
    assert len(works) == 4, "threads that the one that waits has left take other runs"
    assert fresh < ids(works)


def test_a_job_that_kills_each_worker_fails_and_none_of_those_beside_it(
    system: GivenSystem, worker: WorkerIdentity
) -> None:
    """A process dies whenever the killer is in it, and all that is under way in it is lost."""
    run_ids = lost_twice(system, 4)
    killer = run_ids[2]
    while any(stored_run(one).finished_at is None for one in run_ids):
        works = claim(system, worker=worker)
        if killer in ids(works):
            lose(system)
        else:
            for work in works:
                record(system, work, succeeded())
        due_again(system, [one for one in run_ids if stored_run(one).status is RunStatus.RETRYING])
    status = {one: stored_run(one).status for one in run_ids}
    assert status == {**dict.fromkeys(run_ids, RunStatus.COMPLETED), killer: RunStatus.FAILED}


def test_one_that_waits_keeps_no_place_under_a_limit(store: str) -> None:
    system = given_system(account_rate=Rate(calls=100, seconds=60))
    lost_twice(system, 3)
    [work] = claim(system)
    with database.reading():
        under_way = [one.run_id for one in Use.select().where(Use.ended_at.is_null())]
    assert under_way == [work.run_id]
