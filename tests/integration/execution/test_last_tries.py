"""Runs that have lost two workers: a process tries one of them at a time, so that a killer takes nobody with it."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

import pytest

from core.errors import DatabaseUnavailable
from core.limits import Limit
from core.principals import LOCAL
from core.rates import Rate
from core.retry import APART_SECONDS
from core.states import Hold, RunStatus
from models import database
from models.tables import Run, Use
from models.workers import heartbeat
from services.execution import claiming, held_runs, limit_changes, workers
from services.execution.exchanges import ExchangeAnswer
from services.execution.work import Work
from services.execution.workers import WorkerIdentity
from services.maintenance import rescues
from services.scheduling.run_endings import RunOutcome
from tests.factories import (
    NOON,
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
from tests.integration.execution.calling_threads import Threads, of


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
    """Lose all runs under way, as if their workers had died."""
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


def test_once_one_has_gone_on_for_longer_than_before_it_is_not_what_killed_the_others(
    system: GivenSystem, worker: WorkerIdentity
) -> None:
    run_ids = lost_twice(system, 2)
    [first] = claim(system, worker=worker)
    [other] = {*run_ids} - {first.run_id}
    system.clock.advance(LEASE_SECONDS + 2)
    due_again(system, [other])
    assert ids(claim(system, worker=worker)) == {other}


def test_what_was_lost_by_a_worker_that_lives_kills_none(system: GivenSystem, worker: WorkerIdentity) -> None:
    run_ids = [first_run(system, max_retries=0).id for _ in range(2)]
    frozen = workers.register(system)
    for _ in range(2):
        assert ids(claim(system, worker=frozen)) == set(run_ids)
        lose(system)
        due_again(system, run_ids)
    with system.transaction():
        heartbeat(frozen.id, system.clock.now())
    assert ids(claim(system, worker=worker)) == set(run_ids)


def test_others_of_a_limited_key_go_on_though_one_was_put_back_that_took_its_room(
    system: GivenSystem, worker: WorkerIdentity
) -> None:
    first_of_all, put_back = lost_twice(system, 2)
    with database.transaction():
        Run.update(held_by=Hold.PAUSED).where(Run.id == put_back).execute()
    assert ids(claim(system, worker=worker)) == {first_of_all}
    other = first_run(system).id
    limit_changes.put(LOCAL, system, "app:app_a", Limit(rate=Rate(calls=2, seconds=3600)))
    with database.transaction():
        Run.update(held_by=None, due_at=NOON).where(Run.id == put_back).execute()
    assert claim(system, worker=worker) == []
    assert (stored_run(put_back).status, stored_run(other).held_by) == (RunStatus.RETRYING, Hold.RATE_LIMIT)
    held_runs.release_due_keys(system)
    assert ids(claim(system, worker=worker)) == {other}


@pytest.mark.parametrize("error", [DatabaseUnavailable("The database is away."), ValueError("It broke.")])
def test_what_a_round_has_claimed_is_under_way_though_the_next_one_fails(
    system: GivenSystem, worker: WorkerIdentity, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    lost_twice(system, 2)
    claim_once, rounds = claiming._claim_once, itertools.count(1)

    def fail_second(*given: Any, **options: Any) -> Any:
        if next(rounds) == 2:
            raise error
        return claim_once(*given, **options)

    monkeypatch.setattr(claiming, "_claim_once", fail_second)
    [work] = claim(system, worker=worker)
    assert stored_run(work.run_id).status is RunStatus.RUNNING
    assert next(rounds) == 3


def test_one_that_waits_keeps_no_place_under_a_limit(store: str) -> None:
    system = given_system(account_rate=Rate(calls=100, seconds=60))
    lost_twice(system, 3)
    [work] = claim(system)
    with database.reading():
        under_way = [one.run_id for one in Use.select().where(Use.ended_at.is_null())]
    assert under_way == [work.run_id]


def test_a_thread_asks_again_for_what_is_behind_a_run_that_its_exchange_has_put_back(system: GivenSystem) -> None:
    threads = Threads(system)
    run_ids = lost_twice(system, 2)
    first_run(system, priority=9)
    [done] = claim(system, 1, threads.worker)
    [tried] = claim(system, 1, threads.worker)
    behind = first_run(system)
    handing_in = threads.hand_in(done, wants_work=True)
    threads.start()
    assert of(handing_in) == ExchangeAnswer(RunOutcome(RunStatus.COMPLETED), None, asks_again=True)
    [put_back] = {*run_ids} - {tried.run_id}
    assert stored_run(put_back).status is RunStatus.RETRYING
    work = of(threads.ask()).work
    threads.stop()
    assert work is not None
    assert work.run_id == behind.id
