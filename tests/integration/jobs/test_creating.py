"""Creates that wait at the same moment: they share a transaction, and none harms another."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from core.errors import DatabaseUnavailable, InvalidInput, NotFound
from core.principals import LOCAL
from core.schedules import DelayFromNow
from models import database
from models.tables import App, Job, Run
from services.jobs import create_batches, creating, first_rings
from services.jobs.create_batches import CreateBatcher
from services.jobs.definition import NewJob
from tests.commits import fail_at_commit
from tests.factories import GivenSystem, create_jobs, given_system, new_job, stored_job
from tests.waiting import LONGEST

BAD = "half a surrogate pair: \ud800"  # no database takes it


@pytest.fixture
def batcher(system: GivenSystem) -> Iterator[CreateBatcher]:
    made = CreateBatcher(system)
    yield made
    made.stop()


def asked(batcher: CreateBatcher, new: NewJob) -> Future[UUID]:
    answer: Future[UUID] = Future()
    batcher.create(LOCAL, new, answer)
    return answer


@contextmanager
def held_back(
    batcher: CreateBatcher, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[list[int], threading.Semaphore]]:
    """Hold calls back until the block ends, so that they go together.

    Yields the sizes of the groups that went, and a semaphore that is released when one begins to wait.
    """
    busy, go_on, store = threading.Semaphore(0), threading.Event(), creating.create_together
    sizes: list[int] = []

    def slow(system: Any, wanted: Sequence[Any], *more: Any) -> Any:
        busy.release()
        go_on.wait(LONGEST)
        sizes.append(len(wanted))
        return store(system, wanted, *more)

    with monkeypatch.context() as patch:
        patch.setattr(creating, "create_together", slow)
        for new in (new_job(), new_job(name="first")):  # one for each kind of thread
            asked(batcher, new)
            assert busy.acquire(timeout=LONGEST)
        try:
            yield sizes, busy
        finally:
            go_on.set()
            batcher.stop()
    assert sorted(sizes)[:2] == [1, 1]
    sizes.remove(1)
    sizes.remove(1)


def together(batcher: CreateBatcher, monkeypatch: pytest.MonkeyPatch, *wanted: NewJob) -> tuple[list[Any], list[int]]:
    """The answers to creates that waited at the same moment, and the sizes of the groups they went in."""
    asked(batcher, new_job()).result(LONGEST)  # the app is known from now on
    with held_back(batcher, monkeypatch) as (sizes, _):
        futures = [asked(batcher, new) for new in wanted]
    return [_answer(future) for future in futures], sizes


def _answer(future: Future[UUID]) -> UUID | BaseException:
    error = future.exception(LONGEST)
    return future.result() if error is None else error


def test_creates_that_wait_at_the_same_moment_go_together(
    batcher: CreateBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, sizes = together(batcher, monkeypatch, *[new_job(account_id=f"acc{number}") for number in range(5)])
    assert sizes == [5]
    assert [stored_job(job_id).account_id for job_id in answers] == [f"acc{number}" for number in range(5)]


def test_one_bad_item_among_many_harms_no_other(batcher: CreateBatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad, other = together(batcher, monkeypatch, new_job(), new_job(account_id=BAD), new_job())[0]
    assert isinstance(bad, Exception)
    assert not isinstance(bad, DatabaseUnavailable)
    assert stored_job(good).state == stored_job(other).state == "active"


def test_each_is_refused_for_its_own_fault(batcher: CreateBatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    late = new_job(deadline_at=batcher._system.clock.now())
    (refusal, job_id), sizes = together(batcher, monkeypatch, late, new_job())
    assert (type(refusal), sizes) == (InvalidInput, [2])
    assert stored_job(job_id).id == job_id


def test_a_name_goes_to_whoever_asked_first_and_to_nobody_else(
    batcher: CreateBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [new_job(name="one", account_id="first"), new_job(name="ONE"), new_job(name="other")]
    (first, refusal, other), sizes = together(batcher, monkeypatch, *wanted)
    assert isinstance(refusal, InvalidInput)
    assert [field.field for field in refusal.fields] == ["name"]
    assert sorted(sizes) == [1, 2], "a name was in a group twice"
    assert (stored_job(first).account_id, stored_job(other).name) == ("first", "other")


def test_a_name_is_free_for_the_next_where_the_first_is_refused(
    batcher: CreateBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [new_job(name="one", account_id=BAD), new_job(name="one")]
    (bad, job_id), _ = together(batcher, monkeypatch, *wanted)
    assert isinstance(bad, Exception)
    assert stored_job(job_id).name == "one"


def test_a_new_app_is_made_once_for_all_who_ask_for_it(batcher: CreateBatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = [new_job(app_name="new"), new_job(app_name="new"), new_job(app_name="New")]
    answers, _ = together(batcher, monkeypatch, *wanted)
    assert {stored_job(job_id).app_id for job_id in answers} == {App.get(App.name_key == "new").id}


def test_an_unknown_app_is_refused_where_there_are_operators(store: str) -> None:
    batcher = CreateBatcher(given_system(internal_secret="s" * 16))
    assert isinstance(_answer(asked(batcher, new_job())), NotFound)
    batcher.stop()


def test_who_stores_the_same_name_in_a_long_transaction_holds_up_no_job_without_a_name(postgresql: str) -> None:
    system = given_system()
    batcher = CreateBatcher(system)
    asked(batcher, new_job()).result(LONGEST)
    with database.transaction():
        creating.create(LOCAL, system, new_job(name="mine"))
        waits = asked(batcher, new_job(name="mine"))
        assert asked(batcher, new_job()).result(LONGEST)
        assert not waits.done()
    assert isinstance(_answer(waits), InvalidInput)
    batcher.stop()


def test_a_held_job_is_held_and_nobody_is_rung_for(batcher: CreateBatcher, system: GivenSystem) -> None:
    asked(batcher, new_job()).result(LONGEST)
    with database.transaction():
        App.update(paused_at=system.clock.now()).execute()
    system.doorbell.heard()
    job_id = asked(batcher, new_job()).result(LONGEST)
    with database.reading():
        assert [run.held_by for run in Run.select().where(Run.job == job_id)] == ["paused"]
    assert system.doorbell.heard() == []


def test_a_commit_that_was_not_answered_but_took_effect_is_told_as_done_and_rung_for(
    system: GivenSystem, batcher: CreateBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(batcher, new_job()).result(LONGEST)
    system.doorbell.heard()
    fail_at_commit(monkeypatch, after=True)
    job_id = asked(batcher, new_job()).result(LONGEST)
    assert stored_job(job_id).id == job_id
    assert [ring.run_id for ring in system.doorbell.heard()] == [Run.get(Run.job == job_id).id]


def test_a_commit_that_did_not_take_effect_is_told_as_unavailable(
    system: GivenSystem, batcher: CreateBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(batcher, new_job()).result(LONGEST)
    system.doorbell.heard()
    fail_at_commit(monkeypatch, after=False)
    assert isinstance(_answer(asked(batcher, new_job())), DatabaseUnavailable)
    assert Job.select().count() == 1
    assert system.doorbell.heard() == []


def test_it_begins_anew_after_it_was_stopped(batcher: CreateBatcher) -> None:
    for _ in range(2):
        assert asked(batcher, new_job()).result(LONGEST)
        batcher.stop()


def test_one_commit_rings_for_no_more_runs_than_there_is_a_use_in(system: GivenSystem) -> None:
    create_jobs(system, [new_job()] * 40, all_or_none=True)
    assert len(system.doorbell.heard()) == first_rings.MOST
    with database.reading():
        assert Run.select().count() == 40


def test_commits_that_follow_each_other_ring_for_no_more_either_until_time_has_passed(
    system: GivenSystem, batcher: CreateBatcher
) -> None:
    for _ in range(20):
        asked(batcher, new_job()).result(LONGEST)
    assert len(system.doorbell.heard()) == first_rings.MOST
    system.clock.advance(first_rings.REFILLED_IN_SECONDS)
    asked(batcher, new_job()).result(LONGEST)
    assert len(system.doorbell.heard()) == 1


def test_what_is_due_later_takes_nothing_from_the_rings(system: GivenSystem, batcher: CreateBatcher) -> None:
    for _ in range(20):
        asked(batcher, new_job(DelayFromNow(3600))).result(LONGEST)
    asked(batcher, new_job()).result(LONGEST)
    assert len(system.doorbell.heard()) == 1


def test_groups_have_a_largest_size() -> None:
    calls = [create_batches._Call(new_job(), Future()) for _ in range(create_batches.MAX_TOGETHER + 1)]
    assert [len(group) for group in create_batches._groups(calls)] == [create_batches.MAX_TOGETHER, 1]


def test_enough_calls_go_while_others_are_being_stored(batcher: CreateBatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(batcher, new_job()).result(LONGEST)  # the app is known from now on
    with held_back(batcher, monkeypatch) as (sizes, busy):
        few = [asked(batcher, new_job()) for _ in range(create_batches.ENOUGH - 1)]
        assert not busy.acquire(blocking=False)
        enough = [*few, asked(batcher, new_job())]
        assert busy.acquire(timeout=LONGEST)
    assert all(future.result(LONGEST) for future in enough)
    assert sizes == [create_batches.ENOUGH]


def test_who_has_gone_meanwhile_keeps_nobody_from_an_answer(
    batcher: CreateBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(batcher, new_job()).result(LONGEST)
    with held_back(batcher, monkeypatch) as (sizes, _):
        gone, other = asked(batcher, new_job()), asked(batcher, new_job())
        gone.cancel()
    assert other.result(LONGEST)
    assert sizes == [1]


def test_a_refused_job_leaves_no_app_behind_and_harms_no_other_of_a_new_app(
    batcher: CreateBatcher, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = new_job(app_name="nobodys", deadline_at=system.clock.now())
    (refusal, job_id), _ = together(batcher, monkeypatch, late, new_job(app_name="new"))
    assert isinstance(refusal, InvalidInput)
    assert {app.name for app in App.select()} == {"app_a", "new"}
    assert stored_job(job_id).app.name == "new"
