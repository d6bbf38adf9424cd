"""Values that one process keeps for a while, because to make them anew for each request would cost too much."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from services.runtime.clock import Clock

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Values by what they are for, each for so many seconds; of more than `most`, those made last."""

    def __init__(self, clock: Clock, seconds: float, most: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._values: OrderedDict[Hashable, tuple[Value, float]] = OrderedDict()  # with the monotonic time of making
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        """Returns the value kept for this; None if there is none, or it is too old."""
        with self._lock:
            found = self._values.get(key)
        return None if found is None or self._clock.monotonic() - found[1] >= self._seconds else found[0]

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value that was just made."""
        with self._lock:
            self._values[key] = (value, self._clock.monotonic())
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)

    def of(self, key: Hashable, make: Callable[[], Value], is_kept: Callable[[Value], bool]) -> Value:
        """Returns the kept value, or else a new one, which is kept if it is such that it took long to make."""
        found = self.get(key)
        if found is None:
            found = make()
            if is_kept(found):
                self.put(key, found)
        return found
