"""What was read of the database a moment ago, kept for some seconds so that it is not read for each run or request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class RecentValues(Generic[Key, Value]):
    """Keeps values for some seconds, the newest of them, at most so many."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._values: dict[Key, tuple[float, Value]] = {}  # with when it was read; the newest last

    def of(
        self, keys: Collection[Key], now: float, read: Callable[[Collection[Key]], Mapping[Key, Value]]
    ) -> dict[Key, Value]:
        """Returns the values of these keys that have one; what is not known, or too old, is read together."""
        with self._lock:
            known = {key: self._values[key] for key in keys if key in self._values}
        found = {key: value for key, (at, value) in known.items() if 0 <= now - at < self._seconds}
        if missing := [key for key in keys if key not in found]:
            new = read(missing)
            self._keep(new, now)
            found.update(new)
        return found

    def forget(self, key: Key) -> None:
        """Have the value of this key read the next time that it is asked for."""
        with self._lock:
            self._values.pop(key, None)

    def _keep(self, new: Mapping[Key, Value], now: float) -> None:
        with self._lock:
            for key, value in new.items():
                self._values.pop(key, None)
                self._values[key] = (now, value)
            while len(self._values) > self._most:
                del self._values[next(iter(self._values))]
