"""A cache of values that are too expensive to compute for each request."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from core.errors import Unavailable
from services.runtime.clock import Clock

WAIT_SECONDS = 15.0  # longer than a statement may take
_OVERDUE = 2.0  # how many times older a value may be for callers that would have to wait for a new one

Value = TypeVar("Value")


class _Made(NamedTuple, Generic[Value]):
    value: Value
    at: float  # of the monotonic clock


@dataclass
class _Making:
    """A value that one thread makes: whether it is through, and what the others need not try because it failed."""

    is_over: threading.Event
    error: Unavailable | None = None


class TimedCache(Generic[Value]):
    """Caches values by key for some seconds; at most the `most` newest."""

    def __init__(self, clock: Clock, seconds: float, most: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._values: OrderedDict[Hashable, _Made[Value]] = OrderedDict()
        self._being_made: dict[Hashable, _Making] = {}
        self._lock = threading.Lock()

    def of(self, key: Hashable, make: Callable[[], Value], is_good: Callable[[Value], bool]) -> Value:
        """Returns the cached value if it is new enough for the caller, else a new one.

        A value that is too old is computed by one thread; other callers meanwhile use the old value if it is only a
        little too old, or wait for the new one, at most `WAIT_SECONDS`. If the database is away or too slow for it,
        they get that error, too, and do not all ask it again; any other error is raised in the computing thread alone.
        """
        with self._lock:
            found = self._young(key, self._seconds)
            being_made = self._being_made.get(key)
            is_first = found is None and being_made is None
            if is_first:
                being_made = self._being_made[key] = _Making(threading.Event())
        if is_first and being_made is not None:
            return self._made_for_all(key, make, being_made)
        if found is None and being_made is not None:
            found = self._young(key, _OVERDUE * self._seconds) or self._awaited(key, being_made)
        return found.value if found is not None and is_good(found.value) else self._made(key, make)

    def _made_for_all(self, key: Hashable, make: Callable[[], Value], being_made: _Making) -> Value:
        try:
            return self._made(key, make)
        except Unavailable as error:
            being_made.error = error
            raise
        finally:
            with self._lock:
                self._being_made.pop(key).is_over.set()

    def _awaited(self, key: Hashable, being_made: _Making) -> _Made[Value] | None:
        """Returns the value that another thread computes; None if that failed, or takes too long.

        Raises `Unavailable` if the other thread did.
        """
        being_made.is_over.wait(WAIT_SECONDS)
        if being_made.error is not None:
            raise being_made.error
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
