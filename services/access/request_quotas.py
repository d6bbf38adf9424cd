"""Limits the requests of each caller: so many at once, refilled steadily, counted in one process's memory."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from core import buckets
from core.errors import TooMany
from services.runtime.clock import Clock

MAX_KEYS = 10_000


@dataclass(frozen=True)
class Left:
    """The requests left to a caller, and the seconds until all of them are available again."""

    requests: int
    full_in_seconds: int


class Quotas:
    """A bucket for each caller; those of the callers that have been silent longest are forgotten first."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # what is left, and when it was
        self._lock = threading.Lock()

    def has_left(self, key: Hashable) -> bool:
        """Whether a request would not be one too many; it is not counted."""
        with self._lock:
            return self._left(key, self._clock.monotonic()) >= 1

    def take(self, key: Hashable) -> Left:
        """Count a request. Returns what is left after it: less than zero if the request is one too many."""
        now = self._clock.monotonic()
        with self._lock:
            left = self._left(key, now)
            left_after = left - 1
            self._buckets[key] = (left if left_after < 0 else left_after, now)
            self._buckets.move_to_end(key)
            while len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
        return Left(math.floor(left_after), buckets.seconds_until_full(max(left_after, 0.0), self.per_minute))

    def refusal(self) -> TooMany:
        """Returns the error for a request too many."""
        return refusal(self.per_minute, "REQUESTS_PER_MINUTE allows each caller")

    def _left(self, key: Hashable, now: float) -> float:
        left, at = self._buckets.get(key, (float(self.per_minute), now))
        return buckets.refilled(left, self.per_minute, now - at)


def refusal(per_minute: int, rule: str) -> TooMany:
    """Returns the error for a request beyond a rule's limit, which says when the next one is allowed."""
    seconds = math.ceil(buckets.MINUTE_SECONDS / per_minute)
    return TooMany(seconds, f"Too many requests: {rule} {per_minute} a minute.")
