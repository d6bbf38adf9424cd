"""A throttle in one process's memory: so many tries for each key within a span, then a wait."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Hashable

from core.errors import TooMany
from services.runtime.clock import Clock

SPAN_SECONDS = 300.0
MAX_KEYS = 10_000


class Throttle:
    """Counts tries by key; the keys that were tried longest ago are forgotten first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: OrderedDict[Hashable, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: Hashable, most: int) -> None:
        """Count a try. Raises `TooMany` after so many within the span."""
        now = self._clock.monotonic()
        with self._lock:
            tries = self._tries.setdefault(key, deque())
            self._tries.move_to_end(key)
            while tries and now - tries[0] >= SPAN_SECONDS:
                tries.popleft()
            if len(tries) >= most:
                raise TooMany(math.ceil(SPAN_SECONDS - (now - tries[0])))
            tries.append(now)
            while len(self._tries) > MAX_KEYS:
                self._tries.popitem(last=False)

    def give_back(self, key: Hashable) -> None:
        """Take back the last try."""
        with self._lock:
            if tries := self._tries.get(key):
                tries.pop()

    def forget(self, key: Hashable) -> None:
        """Reset the count."""
        with self._lock:
            self._tries.pop(key, None)
