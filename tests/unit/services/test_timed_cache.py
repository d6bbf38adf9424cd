"""Values that are kept: made once for all that ask at one moment, never an error, and waited for with an end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from core.errors import DatabaseUnavailable
from services.runtime import timed_cache
from services.runtime.timed_cache import TimedCache
from tests.factories import GivenClock
from tests.waiting import LONGEST

SECONDS = 5.0
AWAY = -2


class Making:
    """Makes a value on request, but not before it is allowed to."""

    def __init__(self, value: int) -> None:
        self.times = 0
        self.begun, self.allowed = threading.Event(), threading.Event()
        self._value = value

    def __call__(self) -> int:
        self.times += 1
        self.begun.set()
        assert self.allowed.wait(LONGEST)
        if self._value == AWAY:
            raise DatabaseUnavailable("The database is too slow.")
        if self._value < 0:
            raise ValueError(self._value)
        return self._value


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Counts those who wait for a value that another makes."""
    waiting = threading.Semaphore(0)

    class Noted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waiting.release()
            return super().wait(timeout)

    monkeypatch.setattr(timed_cache, "threading", SimpleNamespace(Event=Noted, Lock=threading.Lock))
    return waiting


@pytest.fixture
def clock() -> GivenClock:
    return GivenClock()


@pytest.fixture
def values(clock: GivenClock) -> TimedCache[int]:
    return TimedCache[int](clock, SECONDS, 10)


@pytest.fixture
def ask(values: TimedCache[int]) -> Iterator[Callable[[Making], Future[int]]]:
    """Asks for the value in a thread."""
    with ThreadPoolExecutor(8) as threads:
        yield lambda making: threads.submit(values.of, "key", making, lambda value: value >= 10)


def of(value: int) -> Making:
    """A value that is made at once."""
    making = Making(value)
    making.allowed.set()
    return making


def test_a_value_is_made_by_one_and_given_to_all_that_wait(
    ask: Callable[[Making], Future[int]], waits: threading.Semaphore
) -> None:
    making, never = Making(10), of(11)
    first = ask(making)
    assert making.begun.wait(LONGEST)
    others = [ask(never) for _ in range(3)]
    for _ in others:
        assert waits.acquire(timeout=LONGEST)
    making.allowed.set()
    assert [one.result(LONGEST) for one in (first, *others)] == [10] * 4
    assert (making.times, never.times) == (1, 0)


def test_a_value_that_is_little_too_old_is_given_while_one_makes_the_next(
    ask: Callable[[Making], Future[int]], clock: GivenClock
) -> None:
    assert ask(of(10)).result(LONGEST) == 10
    clock.advance(SECONDS)
    making, never = Making(11), of(12)
    first = ask(making)
    assert making.begun.wait(LONGEST)
    assert ask(never).result(LONGEST) == 10
    making.allowed.set()
    assert first.result(LONGEST) == ask(never).result(LONGEST) == 11
    assert never.times == 0


def test_one_that_is_much_too_old_is_given_to_nobody(
    ask: Callable[[Making], Future[int]], clock: GivenClock, waits: threading.Semaphore
) -> None:
    assert ask(of(10)).result(LONGEST) == 10
    clock.advance(2 * SECONDS)
    making = Making(11)
    ask(making)
    assert making.begun.wait(LONGEST)
    second = ask(of(12))
    assert waits.acquire(timeout=LONGEST)
    making.allowed.set()
    assert second.result(LONGEST) == 11


def test_an_error_is_raised_to_who_made_it_and_the_others_make_the_value_themselves(
    ask: Callable[[Making], Future[int]], waits: threading.Semaphore
) -> None:
    failing = Making(-1)
    first = ask(failing)
    assert failing.begun.wait(LONGEST)
    second = ask(of(10))
    assert waits.acquire(timeout=LONGEST)
    failing.allowed.set()
    with pytest.raises(ValueError, match="-1"):
        first.result(LONGEST)
    never = of(11)
    assert (second.result(LONGEST), ask(never).result(LONGEST), never.times) == (10, 10, 0)


def test_all_that_wait_are_told_that_the_database_is_away_and_none_asks_it_again(
    ask: Callable[[Making], Future[int]], waits: threading.Semaphore
) -> None:
    failing, never = Making(AWAY), of(10)
    first = ask(failing)
    assert failing.begun.wait(LONGEST)
    others = [ask(never) for _ in range(3)]
    for _ in others:
        assert waits.acquire(timeout=LONGEST)
    failing.allowed.set()
    for one in (first, *others):
        with pytest.raises(DatabaseUnavailable):
            one.result(LONGEST)
    assert never.times == 0
    assert ask(never).result(LONGEST) == 10


def test_nobody_waits_for_ever(ask: Callable[[Making], Future[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed_cache, "WAIT_SECONDS", 0.0)
    stuck = Making(10)
    first = ask(stuck)
    assert stuck.begun.wait(LONGEST)
    assert ask(of(11)).result(LONGEST) == 11
    stuck.allowed.set()
    assert first.result(LONGEST) == 10


def test_what_is_not_good_enough_is_made_anew_by_each_without_waiting(
    ask: Callable[[Making], Future[int]],
) -> None:
    assert ask(of(9)).result(LONGEST) == 9
    making = Making(8)
    first = ask(making)
    assert making.begun.wait(LONGEST)
    assert ask(of(7)).result(LONGEST) == 7
    making.allowed.set()
    assert first.result(LONGEST) == 8
