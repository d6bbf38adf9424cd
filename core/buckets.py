"""A bucket of permits that fills steadily: what can be taken of it, now."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

MINUTE_SECONDS = 60.0


def refilled(left: float, most: int, seconds: float) -> float:
    """Returns the permits in a bucket of `most` permits after the given number of seconds."""
    return min(left + seconds * most / MINUTE_SECONDS, float(most))


def seconds_until_full(left: float, most: int) -> int:
    """Returns the seconds until a bucket of `most` permits is full again, in whole ones."""
    return math.ceil(max(most - left, 0.0) * MINUTE_SECONDS / most)


@dataclass(frozen=True)
class Bucket:
    """The permits left at an instant, of `most`; an empty bucket is full again after a minute."""

    most: int
    left: float
    at: datetime

    def taken(self, wanted: int, now: datetime, returned: int = 0) -> tuple[int, Bucket]:
        """Returns how many of the wanted permits are granted, after some were put back, and the bucket without them."""
        seconds = max((now - self.at).total_seconds(), 0.0)
        left = refilled(self.left + returned, self.most, seconds)
        count = min(wanted, math.floor(left))
        return count, Bucket(self.most, left - count, max(now, self.at))
