"""The ranges of the overview's charts: columns of what was, and what comes to the right of now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from core.figures import MINUTE, whole_minute
from services.reading.statistics.columns import ColumnFigures


@dataclass(frozen=True)
class Range:
    """A stretch of time up to now, in columns of so many minutes; `ahead` is how many columns follow for what comes."""

    label: str
    minutes: int
    step: int
    ahead: int = 0


RANGES = {
    "1h": Range("1 hour", 60, 1, ahead=60),
    "24h": Range("24 hours", 1_440, 15),
    "7d": Range("7 days", 10_080, 120),
    "30d": Range("30 days", 43_200, 480),
}


@dataclass(frozen=True)
class Series:
    """Columns up to now, and how many runs come in each of those after it; `wide` is how many units a chart has."""

    columns: Sequence[ColumnFigures]
    coming: Sequence[int]
    step: int
    zone: ZoneInfo
    wide: int = 600


def series(
    chosen: Range, columns: Sequence[ColumnFigures], ahead: Mapping[datetime, int], now: datetime, zone: ZoneInfo
) -> Series:
    """Returns a range with its columns; `ahead` has how many runs are due in each coming minute."""
    coming = [0] * chosen.ahead
    for minute, count in ahead.items():
        place = (minute - whole_minute(now)) // (chosen.step * MINUTE)
        if 0 <= place < chosen.ahead:
            coming[place] += count
    return Series(columns, coming, chosen.step, zone)
