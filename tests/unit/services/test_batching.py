"""Many items together: none keeps the others waiting, whatever is the matter with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import pytest

from core.database_faults import DatabaseFault
from core.errors import DatabaseUnavailable, LockTimeout
from services.runtime import batching
from services.runtime.batching import Pass

AWAY = DatabaseUnavailable("It is away.")
TOO_SLOW = DatabaseUnavailable("It took too long.", DatabaseFault.TOO_SLOW)
LOCKED = LockTimeout("Somebody has it.", DatabaseFault.TOO_SLOW)
ITEMS = list(range(7))
MANY = range(1_000)
OTHERS = [0, 1, 2, 4, 5, 6]


class Work:
    """Processes items, but one of them raises an error."""

    def __init__(self, error: Exception) -> None:
        self.done: list[int] = []
        self._error = error

    def several(self, items: Sequence[int]) -> int:
        if 3 in items:
            raise self._error
        self.done += items
        return len(items)

    def one(self, item: int) -> int:
        return self.several([item])


@pytest.mark.parametrize("error", [ZeroDivisionError(), LOCKED])
def test_an_item_that_fails_or_is_locked_stops_no_other(error: Exception) -> None:
    work = Work(error)
    assert (batching.in_parts(work.several, ITEMS), work.done) == (6, OTHERS)


class Table:
    """Some of its rows are locked; counts how often it is worked on."""

    def __init__(self, locked: Collection[int]) -> None:
        self.done: set[int] = set()
        self.tries = 0
        self._locked = locked

    def work(self, items: Sequence[int]) -> int:
        self.tries += 1
        if any(item in self._locked for item in items):
            raise LOCKED
        self.done.update(items)
        return len(items)


def test_a_lock_of_all_rows_is_waited_for_a_few_times_only_and_is_reported() -> None:
    table = Table(MANY)
    with pytest.raises(LockTimeout):
        batching.in_parts(table.work, MANY)
    assert table.tries < 60


def test_some_items_that_are_all_locked_are_each_tried_and_nothing_is_reported() -> None:
    table = Table(ITEMS)
    assert (batching.in_parts(table.work, ITEMS), table.tries) == (0, 2 * len(ITEMS) - 1)


@pytest.mark.parametrize("first", [0, 300, 900])
def test_many_locked_rows_in_one_place_cost_few_waits_and_no_more_than_their_neighbours(first: int) -> None:
    table = Table(range(first, first + 100))
    assert batching.in_parts(table.work, MANY) == len(table.done) > 700
    assert table.tries < 60


@pytest.mark.parametrize("error", [AWAY, TOO_SLOW])
def test_a_database_that_is_away_or_slow_is_not_asked_again_for_each_item(error: DatabaseUnavailable) -> None:
    work = Work(error)
    with pytest.raises(DatabaseUnavailable):
        batching.in_parts(work.several, ITEMS)
    assert work.done == []


def test_one_by_one_an_item_that_fails_stops_no_other() -> None:
    work = Work(ZeroDivisionError())
    assert (batching.one_by_one(work.one, ITEMS), work.done) == (6, OTHERS)


@pytest.mark.parametrize("error", [TOO_SLOW, LOCKED])
def test_one_by_one_an_item_that_takes_too_long_stops_no_other_and_is_reported_at_the_end(
    error: DatabaseUnavailable,
) -> None:
    work = Work(error)
    with pytest.raises(type(error), match=str(error)):
        batching.one_by_one(work.one, ITEMS)
    assert work.done == OTHERS


def test_one_by_one_nothing_more_is_tried_once_the_database_is_away() -> None:
    work = Work(AWAY)
    with pytest.raises(DatabaseUnavailable, match="away"):
        batching.one_by_one(work.one, ITEMS)
    assert work.done == [0, 1, 2]


class Locks:
    """Processes items of jobs that others have locked, some of them for good."""

    def __init__(self, locked: Sequence[int], for_good: Sequence[int] = ()) -> None:
        self.done: list[int] = []
        self.waited_for: list[int] = []
        self._locked, self._for_good = locked, for_good

    def __call__(self, items: Sequence[int], *, waits_for_locks: bool) -> Pass[int]:
        passed_over = [] if waits_for_locks else [item for item in items if item in self._locked]
        if waits_for_locks:
            self.waited_for += items
        if waits_for_locks and set(items) & set(self._for_good):
            raise LOCKED
        free = [item for item in items if item not in passed_over]
        self.done += free
        return Pass(len(free), {UUID(int=item): [item] for item in passed_over})


def test_where_all_are_free_nothing_is_waited_for() -> None:
    work = Locks([])
    assert batching.free_first(work, ITEMS) == Pass(7, {})
    assert work.waited_for == []


def test_one_of_the_locked_jobs_is_waited_for_once_the_free_ones_are_done() -> None:
    work = Locks([2, 3])
    done = batching.free_first(work, ITEMS)
    [waited_for] = work.waited_for
    assert work.done == [0, 1, 4, 5, 6, waited_for]
    assert (done.count, list(done.passed_over.values())) == (6, [[5 - waited_for]])


def test_each_of_the_locked_jobs_has_its_turn_to_be_waited_for() -> None:
    work = Locks([2, 3], for_good=[2, 3])
    while set(work.waited_for) != {2, 3}:
        assert batching.free_first(work, ITEMS).count == 5


def test_what_is_still_locked_is_passed_over() -> None:
    work = Locks([3], for_good=[3])
    assert batching.free_first(work, ITEMS) == Pass(6, {UUID(int=3): [3]})
    assert work.done == OTHERS
