"""The minutes of the coming day: how many runs are due in each, and where they meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.figures import MINUTE

_HOURS = 24
_HOUR_MINUTES = 60
_MOST_COLLISIONS = 5


@dataclass(frozen=True)
class Collision:
    """A minute in which many runs are due, and the next in which none is."""

    at: datetime
    count: int
    free_at: datetime | None


@dataclass(frozen=True)
class HourOfRuns:
    """An hour from `at` on, and how many runs are due in each of its minutes."""

    at: datetime
    minutes: Sequence[int]


def hours(counts: Mapping[datetime, int], now: datetime, until: datetime | None) -> list[HourOfRuns]:
    """Returns the hours of the coming day, each with its minutes, up to `until` where nothing is known beyond it."""
    start = now.replace(minute=0, second=0, microsecond=0)
    begins = [start + timedelta(hours=number) for number in range(_HOURS + 1)]
    return [
        HourOfRuns(at, [counts.get(at + number * MINUTE, 0) for number in range(_HOUR_MINUTES)])
        for at in begins
        if until is None or at <= until
    ]


def collisions(counts: Mapping[datetime, int], until: datetime | None) -> list[Collision]:
    """Returns the minutes in which most runs meet, and for each the next within an hour that is known to be free."""
    return [
        Collision(at, count, _free_after(at, counts, until))
        for at, count in sorted(counts.items(), key=lambda one: -one[1])[:_MOST_COLLISIONS]
        if count > 1
    ]


def _free_after(at: datetime, counts: Mapping[datetime, int], until: datetime | None) -> datetime | None:
    following = (at + number * MINUTE for number in range(1, _HOUR_MINUTES))
    return next((one for one in following if not counts.get(one) and (until is None or one + MINUTE <= until)), None)
