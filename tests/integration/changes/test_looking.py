"""A look sees each committed transaction once, and waits for none that is open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from core.cursors import Cursor, Snapshot
from core.principals import LOCAL
from models import database
from models.tables import Change
from services.changes import news, pruning
from services.changes.looking import Watch
from services.execution.work import Succeeded
from services.jobs import creating, lifecycle
from tests import statements
from tests.factories import GivenSystem, claim_one, first_run, given_system, in_threads, new_job, record
from tests.integration.changes.watching import Watcher
from tests.waiting import LONGEST


def test_a_look_sees_what_was_committed_since_the_last_and_that_once(system: GivenSystem) -> None:
    first_run(system)
    watcher = Watcher()
    run = first_run(system)
    assert watcher.look().runs == {run.id: run.job_id}
    assert watcher.look().runs == {}


def test_a_watch_that_begins_sees_nothing_as_changed(system: GivenSystem) -> None:
    first_run(system)
    with Watch().look() as look:
        told = look.news()
    assert told is not None
    assert told.jobs == frozenset()


def test_a_look_leaves_out_a_long_result_and_says_so(system: GivenSystem) -> None:
    run = first_run(system)
    record(system, claim_one(system), Succeeded(200, "{}", result="x" * 2_000))
    with Watch().look() as look:
        view = look.runs([run.id])[run.id]
    assert (view.result, view.result_left_out) == (None, True)


@contextmanager
def open_transaction(system: GivenSystem, job_id: UUID) -> Iterator[None]:
    """Another session pauses a job, and commits when the block is over."""
    paused, end = threading.Event(), threading.Event()

    def pause() -> None:
        with system.transaction():
            lifecycle.pause(LOCAL, system, job_id)
            paused.set()
            assert end.wait(LONGEST)
        database.disconnect()

    session = threading.Thread(target=pause)
    session.start()
    assert paused.wait(LONGEST)
    yield
    end.set()
    session.join()


def test_an_open_transaction_holds_nothing_up_and_is_seen_when_it_ends(postgresql: str) -> None:
    system = given_system()
    slow = first_run(system).job_id
    watcher = Watcher()
    with open_transaction(system, slow):
        quick = [first_run(system).job_id for _ in range(3)]
        assert watcher.look().jobs == set(quick)
        later = first_run(system).job_id
        assert watcher.look().jobs == {later}
        cursor = watcher.cursor()
    assert watcher.look().jobs == {slow}
    with Watch().look() as look:
        told = look.missed([cursor]).since(cursor)
    assert told is not None
    assert told.jobs == {slow}
    assert watcher.look().jobs == frozenset()


def test_of_cursors_that_reach_far_back_no_more_is_read_again_than_a_bound(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Watcher()
    cursors, made = [], []
    for _ in range(4):
        cursors.append(watcher.cursor())
        made.append(first_run(system).job_id)
    for name, most in (("MAX_ROWS", 2), ("MAX_BYTES", 2 * 2 * 16)):  # of each transaction, a job and a run
        with monkeypatch.context() as patch, statements.noted() as asked, Watch().look() as look:
            patch.setattr(news, name, most)
            missed = look.missed(cursors)
            found = [missed.since(cursor) for cursor in cursors]
        told = [None if one is None else one.jobs for one in found]
        assert told == [None, None, set(made[2:]), set(made[3:])]
        # A second time, for the transactions that were open: on PostgreSQL, those of other databases are among them.
        assert sum(" changes " in text for text, _ in asked) <= 2


def test_of_a_transaction_that_was_open_long_before_the_bound_those_are_told_who_saw_it_open(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = given_system()
    slow = first_run(system).job_id
    watcher = Watcher()
    with open_transaction(system, slow):
        for _ in range(3):
            first_run(system)
        cursor = watcher.cursor()
        later = first_run(system).job_id
    monkeypatch.setattr(news, "MAX_ROWS", 2)
    with Watch().look() as look:
        found = look.missed([cursor]).since(cursor)
        assert found is not None
        assert found.jobs == {slow, later}
        made_up = replace(cursor, snapshot=Snapshot(cursor.snapshot.end, tuple(range(1, 4))))
        monkeypatch.setattr(news, "MAX_OPEN", 2)
        assert look.missed([made_up]).since(made_up) is None


def test_nothing_is_lost_or_seen_twice_while_many_write(postgresql: str) -> None:
    system, watcher = given_system(), Watcher()
    seen: list[UUID] = []
    going = threading.Event()
    going.set()

    def write(number: int) -> list[UUID]:
        if number == 0:
            while going.is_set():
                seen.extend(watcher.look().jobs)
            return []
        try:
            return [creating.create(LOCAL, system, new_job()) for _ in range(40)]
        finally:
            if number == 1:
                going.clear()

    made = [job_id for part in in_threads(4, write) for job_id in part]
    seen.extend(watcher.look().jobs)
    assert sorted(seen) == sorted(made)


def test_a_cursor_survives_as_text(system: GivenSystem) -> None:
    cursor = Watcher().cursor()
    run = first_run(system)
    again = Cursor.parsed(str(cursor))
    assert again is not None
    with Watch().look() as look:
        told = look.missed([again]).since(again)
    assert told is not None
    assert told.jobs == {run.job_id}


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": "abc"},
        {"snapshot": Snapshot(2**62)},
        {"age": timedelta(minutes=9, seconds=1)},
        {"age": timedelta(minutes=-1)},
    ],
    ids=["of another installation", "ahead of the database", "too old", "of the future"],
)
def test_a_cursor_that_does_not_fit_is_not_answered(system: GivenSystem, change: dict[str, object]) -> None:
    now = Watcher().cursor()
    age = change.get("age", timedelta())
    assert isinstance(age, timedelta)
    values = {"epoch": now.epoch, "snapshot": now.snapshot, **change}
    values.pop("age", None)
    with Watch().look() as look:
        cursor = Cursor(taken_at=now.taken_at - age, **values)  # type: ignore[arg-type]
        assert look.missed([cursor]).since(cursor) is None


def test_as_of_never_falls(system: GivenSystem) -> None:
    told = []
    for _ in range(3):
        with Watch().look() as look:
            told.append(look.as_of)
        first_run(system)
        pruning.prune(system)
    assert told == sorted(told)


def test_rows_that_came_with_a_dump_are_not_taken_for_news_and_go(postgresql: str) -> None:
    run = first_run(given_system())
    watcher = Watcher()
    with database.transaction():
        Change.insert(number=2**62, jobs=run.job_id.bytes, runs=b"", apps=b"", written_at=datetime.now(UTC)).execute()
    assert watcher.look().jobs == frozenset()
    assert pruning.prune(given_system()) == 1


def test_rows_are_pruned_after_ten_minutes_and_numbers_are_not_given_twice(system: GivenSystem) -> None:
    first_run(system)
    before = Watcher().cursor()
    assert pruning.prune(system) == 0
    with database.transaction():
        Change.update(written_at=datetime.now(UTC) - timedelta(seconds=601)).execute()
    assert pruning.prune(system) == 1
    first_run(system)
    with database.reading():
        assert Change.get().number >= before.snapshot.end
