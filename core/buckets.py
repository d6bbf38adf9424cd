"""A bucket of permits that fills steadily: what can be taken of it, now."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

MINUTE_SECONDS = 60.0


@dataclass(frozen=True)
class Bucket:
    """What was left at an instant, of `most`; a minute fills an empty one."""

    most: int
    left: float
    at: datetime

    def taken(self, wanted: int, now: datetime, returned: int = 0) -> tuple[int, Bucket]:
        """Returns how many of the wanted permits there are, after some were put back, and the bucket without them."""
        seconds = max((now - self.at).total_seconds(), 0.0)
        left = min(self.left + seconds * self.most / MINUTE_SECONDS + returned, float(self.most))
        count = min(wanted, math.floor(left))
        return count, Bucket(self.most, left - count, max(now, self.at))
