"""Figures by minute become the columns of charts: fewer for a longer range, and what comes to the right of now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.reading.statistics import MinuteFigures
from services.reading.upcoming import UpcomingView

_MINUTE_SECONDS = 60


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
    chosen: Range, minutes: Sequence[MinuteFigures], coming: Sequence[UpcomingView], now: datetime, zone: ZoneInfo
) -> Series:
    """Returns the columns of a range."""
    parts = [minutes[begin : begin + chosen.step] for begin in range(0, len(minutes), chosen.step)]
    ahead = [0] * chosen.ahead
    for one in coming:
        place = int((one.due_at - now).total_seconds() // (chosen.step * _MINUTE_SECONDS))
        if 0 <= place < chosen.ahead:
            ahead[place] += 1
    return Series([_column(part) for part in parts], ahead, chosen.step, zone)


def _column(minutes: Sequence[MinuteFigures]) -> Column:
    late = [one.lateness_p95_seconds for one in minutes if one.lateness_p95_seconds is not None]
    return Column(
        at=minutes[0].minute,
        completed=sum(one.completed for one in minutes),
        failed=sum(one.failed for one in minutes),
        waiting=max(one.waiting for one in minutes),
        lateness_seconds=max(late, default=None),
    )
