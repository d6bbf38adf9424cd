"""The minutes of a day that comes: how many runs are due in each, where those of several jobs meet, and free ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.figures import MINUTE

_HOUR_MINUTES = 60
_MAX_MEETINGS = 5
Minutes = Mapping[datetime, Mapping[UUID, int]]


@dataclass(frozen=True)
class Meeting:
    """A minute in which runs of several jobs are due, and the next in which none is; `others` have the same jobs."""

    at: datetime
    count: int
    jobs: Sequence[UUID]
    free_at: datetime | None
    others: int


@dataclass(frozen=True)
class HourOfRuns:
    """An hour from `at` on, and how many runs are due in each of its minutes."""

    at: datetime
    minutes: Sequence[int]


def hours(minutes: Minutes, start: datetime, end: datetime) -> list[HourOfRuns]:
    """Returns the hours of a span, each with its minutes."""
    at = start.replace(minute=0, second=0, microsecond=0)
    found = []
    while at < end:
        counts = [sum(minutes.get(at + number * MINUTE, {}).values()) for number in range(_HOUR_MINUTES)]
        found.append(HourOfRuns(at, counts))
        at += timedelta(hours=1)
    return found


def meetings(minutes: Minutes, end: datetime) -> list[Meeting]:
    """Returns the minutes in which most jobs meet, each set of jobs once, by the first minute in which it does."""
    of_jobs: dict[frozenset[UUID], list[datetime]] = {}
    for at in sorted(minutes):
        if len(minutes[at]) > 1:
            of_jobs.setdefault(frozenset(minutes[at]), []).append(at)
    most = sorted(of_jobs.values(), key=lambda found: (-len(minutes[found[0]]), found[0]))[:_MAX_MEETINGS]
    return [_meeting(found, minutes, end) for found in most]


def _meeting(found: Sequence[datetime], minutes: Minutes, end: datetime) -> Meeting:
    at, *others = found
    following = (at + number * MINUTE for number in range(1, _HOUR_MINUTES))
    free_at = next((one for one in following if one not in minutes and one + MINUTE <= end), None)
    return Meeting(at, sum(minutes[at].values()), tuple(minutes[at]), free_at, len(others))
