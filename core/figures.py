"""Figures: reckoning with what happened."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)


def percentile(values: Iterable[float], share: float) -> float | None:
    """The least of the values that this share of them does not exceed (nearest rank); None of nothing."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(share * len(ordered))) - 1] if ordered else None


def whole_minute(instant: datetime) -> datetime:
    """The beginning of the minute that an instant lies in."""
    return instant.replace(second=0, microsecond=0)


def minutes_between(start: datetime, end: datetime) -> list[datetime]:
    """The beginnings of the minutes from `start` on and before `end`, both whole minutes."""
    return [start + count * MINUTE for count in range(max(0, (end - start) // MINUTE))]
