"""Figures by minute become the columns of charts: fewer for a longer range, and what comes to the right of now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from core.figures import MINUTE, whole_minute
from services.reading.statistics import MinuteFigures


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
}


@dataclass(frozen=True)
class Column:
    """What happened in the minutes from `at` on; lateness is that of the worst minute, None where nothing began."""

    at: datetime
    completed: int
    failed: int
    waiting: int
    lateness_seconds: float | None


@dataclass(frozen=True)
class Series:
    """Columns up to now, and how many runs come in each of those after it; `wide` is how many units a chart has."""

    columns: Sequence[Column]
    coming: Sequence[int]
    step: int
    zone: ZoneInfo
    wide: int = 600


def series(
    chosen: Range, minutes: Sequence[MinuteFigures], ahead: Mapping[datetime, int], now: datetime, zone: ZoneInfo
) -> Series:
    """Returns the columns of a range; `ahead` has how many runs are due in each coming minute."""
    parts = [minutes[begin : begin + chosen.step] for begin in range(0, len(minutes), chosen.step)]
    coming = [0] * chosen.ahead
    for minute, count in ahead.items():
        place = (minute - whole_minute(now)) // (chosen.step * MINUTE)
        if 0 <= place < chosen.ahead:
            coming[place] += count
    return Series([_column(part) for part in parts], coming, chosen.step, zone)


def _column(minutes: Sequence[MinuteFigures]) -> Column:
    late = [one.lateness_p95_seconds for one in minutes if one.lateness_p95_seconds is not None]
    return Column(
        at=minutes[0].minute,
        completed=sum(one.completed for one in minutes),
        failed=sum(one.failed for one in minutes),
        waiting=max(one.waiting for one in minutes),
        lateness_seconds=max(late, default=None),
    )
