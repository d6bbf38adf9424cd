"""Arithmetic for statistics: percentiles and minutes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)


def percentile(values: Iterable[float], share: float) -> float | None:
    """Returns a percentile by nearest rank: the least value that this share of the values does not exceed, if any."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(share * len(ordered))) - 1] if ordered else None


def whole_minute(instant: datetime) -> datetime:
    """Returns the beginning of an instant's minute."""
    return instant.replace(second=0, microsecond=0)


def minutes_between(start: datetime, end: datetime) -> list[datetime]:
    """Returns the beginnings of the minutes from `start` to before `end`, both whole minutes."""
    return [start + count * MINUTE for count in range(max(0, (end - start) // MINUTE))]
