"""A cache of values that are too expensive to compute for each request."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from services.runtime.clock import Clock

PATIENCE_SECONDS = 10.0
_OVERDUE = 2.0  # how many times older a value may be for callers that would have to wait for a new one

Value = TypeVar("Value")


class _Made(NamedTuple, Generic[Value]):
    value: Value
    at: float  # of the monotonic clock


class TimedCache(Generic[Value]):
    """Caches values by key for some seconds; at most the `most` newest."""

    def __init__(self, clock: Clock, seconds: float, most: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._values: OrderedDict[Hashable, _Made[Value]] = OrderedDict()
        self._being_made: dict[Hashable, threading.Event] = {}
        self._lock = threading.Lock()

    def of(self, key: Hashable, make: Callable[[], Value], is_good: Callable[[Value], bool]) -> Value:
        """Returns the cached value if it is new enough for the caller, else a new one.

        A value that is too old is computed by one thread; other callers meanwhile use the old value if it is only a
        little too old, or wait for the new one, at most `PATIENCE_SECONDS`. An error is raised only in the thread that
        computes.
        """
        with self._lock:
            found = self._young(key, self._seconds)
            being_made = self._being_made.get(key)
            is_first = found is None and being_made is None
            if is_first:
                self._being_made[key] = threading.Event()
        if is_first:
            return self._made_for_all(key, make)
        if found is None and being_made is not None:
            found = self._young(key, _OVERDUE * self._seconds) or self._awaited(key, being_made)
        return found.value if found is not None and is_good(found.value) else self._made(key, make)

    def _made_for_all(self, key: Hashable, make: Callable[[], Value]) -> Value:
        try:
            return self._made(key, make)
        finally:
            with self._lock:
                self._being_made.pop(key).set()

    def _awaited(self, key: Hashable, being_made: threading.Event) -> _Made[Value] | None:
        """Returns the value that another thread computes; None if that failed, or takes too long."""
        being_made.wait(PATIENCE_SECONDS)
        return self._young(key, self._seconds)

    def _young(self, key: Hashable, seconds: float) -> _Made[Value] | None:
        """Returns the cached value, if it is at most the given number of seconds old."""
        found = self._values.get(key)
        return found if found is not None and self._clock.monotonic() - found.at < seconds else None

    def _made(self, key: Hashable, make: Callable[[], Value]) -> Value:
        made = _Made(make(), self._clock.monotonic())
        with self._lock:
            self._values[key] = made
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return made.value
