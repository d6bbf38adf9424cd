"""Forecasts: how long a rate needs for the runs that it holds, and when work that reports its progress is done.

Each is None where nothing supports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from core.limits import Limit

MIN_POINTS = 3
_LONGEST = timedelta(days=366)


@dataclass(frozen=True)
class Point:
    """The share of all work, 0 to 1, that was done at an instant."""

    at: datetime
    share: float


def drain_seconds(waiting: int, limit: Limit, room: int, now: datetime) -> float | None:
    """Returns in how many seconds the last of the waiting runs begins, if their calls are short and no others come.

    None without waiting runs or a rate, where the number of runs at once may be what holds them, and where the limit
    expires before.
    """
    rate = limit.rate
    if waiting <= 0 or rate is None or (limit.concurrency is not None and limit.concurrency < rate.calls):
        return None
    seconds = max(0, waiting - room) * rate.seconds / rate.calls
    expires_at = limit.expires_at
    return None if expires_at is not None and now + timedelta(seconds=seconds) > expires_at else seconds


def done_at(points: Sequence[Point], now: datetime) -> datetime | None:
    """Returns when all is done at the pace of these points, given oldest first.

    None for fewer than three points, where the share fell or did not grow, where it would take more than a year, and
    where that instant has passed: then the work has become slower.
    """
    if len(points) < MIN_POINTS:
        return None
    first, last = points[0], points[-1]
    elapsed, grown = (last.at - first.at).total_seconds(), last.share - first.share
    falls = any(after.share < before.share for before, after in pairwise(points))
    if falls or grown <= 0 or elapsed <= 0 or last.share >= 1:
        return None
    seconds = (1 - last.share) * elapsed / grown
    if seconds > _LONGEST.total_seconds():
        return None
    done = last.at + timedelta(seconds=seconds)
    return done if done > now else None
