"""Limits the requests of each caller: so many at once, refilled steadily, counted in one process's memory."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from core.errors import TooMany
from services.runtime.clock import Clock

MINUTE_SECONDS = 60.0
MOST_KEYS = 10_000


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

    def take(self, key: Hashable) -> Left:
        """Count a request. Returns what is left after it: less than zero if the request is one too many."""
        now = self._clock.monotonic()
        with self._lock:
            left, at = self._buckets.get(key, (float(self.per_minute), now))
            left = min(left + (now - at) * self._per_second, self.per_minute)
            left_after = left - 1
            self._buckets[key] = (left if left_after < 0 else left_after, now)
            self._buckets.move_to_end(key)
            while len(self._buckets) > MOST_KEYS:
                self._buckets.popitem(last=False)
        return Left(math.floor(left_after), math.ceil((self.per_minute - max(left_after, 0)) / self._per_second))

    def refusal(self) -> TooMany:
        """Returns the error for a request too many."""
        return refusal(self.per_minute, "REQUESTS_PER_MINUTE allows each caller")

    @property
    def _per_second(self) -> float:
        return self.per_minute / MINUTE_SECONDS


def refusal(per_minute: int, rule: str) -> TooMany:
    """Returns the error for a request too many by a rule, which tells when the next one is allowed."""
    seconds = math.ceil(MINUTE_SECONDS / per_minute)
    return TooMany(seconds, f"More than the {per_minute} requests a minute came that {rule}.")
