"""Calls that wait at the same moment are carried out together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from core.errors import DatabaseUnavailable
from services.execution.batching import Grouped
from tests.waiting import LONGEST, until


class Work:
    """Doubles numbers; waits in its first group until it is let go, and remembers the groups it was given."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.entered = threading.Event()
        self.let_go = threading.Event()

    def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.groups.append(list(items))
        if len(self.groups) == 1:
            self.entered.set()
            assert self.let_go.wait(LONGEST)
        return [2 * item for item in items]


def all_waiting(grouped: Grouped[int, int], count: int) -> bool:
    return len(grouped._waiting) == count


def call_behind_a_first(
    grouped: Grouped[int, int], work: Work, numbers: Sequence[int], pool: ThreadPoolExecutor
) -> list[Future[int]]:
    """Have one call at work and the others waiting behind it, then let it go; the calls in order."""
    first = pool.submit(grouped.call, numbers[0])
    assert work.entered.wait(LONGEST)
    others = [pool.submit(grouped.call, number) for number in numbers[1:]]
    until(lambda: all_waiting(grouped, len(others)), "callers to wait", LONGEST)
    work.let_go.set()
    return [first, *others]


def test_one_alone_goes_at_once() -> None:
    work = Work()
    work.let_go.set()
    assert Grouped(work, 32).call(21) == 42
    assert work.groups == [[21]]


def test_those_who_come_meanwhile_go_together_and_each_gets_its_own_answer() -> None:
    work = Work()
    grouped = Grouped(work, 32)
    with ThreadPoolExecutor(10) as pool:
        calls = call_behind_a_first(grouped, work, range(10), pool)
        assert [call.result(LONGEST) for call in calls] == [2 * number for number in range(10)]
    assert work.groups[0] == [0]
    assert [sorted(group) for group in work.groups[1:]] == [list(range(1, 10))]


def test_no_group_is_larger_than_the_most_that_may_go_together() -> None:
    work = Work()
    grouped = Grouped(work, 4)
    with ThreadPoolExecutor(11) as pool:
        calls = call_behind_a_first(grouped, work, range(11), pool)
        assert [call.result(LONGEST) for call in calls] == [2 * number for number in range(11)]
    assert [len(group) for group in work.groups] == [1, 4, 4, 2]


def fails_on(work: Work, bad: int, error: Exception) -> Grouped[int, int]:
    """A group that fails where it holds a bad item."""

    def fail_on_bad(items: Sequence[int]) -> Sequence[int]:
        answers = work(items)
        if bad in items:
            raise error
        return answers

    return Grouped(fail_on_bad, 32)


def test_an_item_that_cannot_be_carried_out_harms_no_other_of_its_group() -> None:
    work = Work()
    grouped = fails_on(work, 1, ValueError("one of them was odd"))
    with ThreadPoolExecutor(4) as pool:
        first, odd, *others = call_behind_a_first(grouped, work, [0, 1, 2, 3], pool)
        assert first.result(LONGEST) == 0
        assert isinstance(odd.exception(LONGEST), ValueError)
        assert [call.result(LONGEST) for call in others] == [4, 6]
    assert grouped.call(5) == 10, "those who come after an error are served"


def test_a_server_that_is_away_is_told_to_every_caller_of_the_group_at_once() -> None:
    work = Work()
    grouped = fails_on(work, 1, DatabaseUnavailable("away"))
    with ThreadPoolExecutor(4) as pool:
        first, *others = call_behind_a_first(grouped, work, [0, 1, 2, 3], pool)
        assert first.result(LONGEST) == 0
        for call in others:
            assert isinstance(call.exception(LONGEST), DatabaseUnavailable)
    assert len(work.groups) == 2, "nobody asks a server that is away once for each"


@pytest.mark.parametrize("answers", [[], [1, 2]])
def test_answers_that_do_not_fit_the_items_are_an_error_and_hang_nobody(answers: list[int]) -> None:
    grouped: Grouped[int, int] = Grouped(lambda _: answers, 32)
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="zip"):
        pool.submit(grouped.call, 1).result(LONGEST)


def test_many_callers_at_once_are_all_answered() -> None:
    grouped: Grouped[int, int] = Grouped(lambda items: [item + 1 for item in items], 7)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(grouped.call, range(2_000))) == list(range(1, 2_001))
