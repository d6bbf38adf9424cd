"""Spread rows that stand for many missed occurrences over the instants that the schedule named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice

from core.schedules import Recurring
from core.states import RunStatus
from models import history
from models.calendar import BUCKET_SECONDS, Bucket, Gap
from models.tables import Job
from services.scheduling import stored_schedule

MAX_SPREAD = 20_000
_MAX_REMEMBERED = 16  # rows; such a row never changes


@dataclass(frozen=True)
class Spread:
    """Missed occurrences by quarter of an hour; those before `known_from` were not spread (None: all were)."""

    buckets: list[Bucket]
    known_from: datetime | None


def spread(job: Job, gaps: Sequence[Gap], since: datetime) -> Spread:
    """Spread the newest gaps of a job, given newest first, over 20,000 instants at most.

    Gaps that ended before `since` may be left out. A gap whose first instant the schedule of that time does not name
    stays there as a whole. Call it within a read.
    """
    buckets: list[Bucket] = []
    left = MAX_SPREAD
    known_from: datetime | None = None
    for gap in gaps:
        left -= gap.occurrences
        if left < 0 and known_from is not None:
            return Spread(buckets, known_from)
        buckets += _buckets(job, gap)
        known_from = gap.at
        if gap.at < since:
            break
    return Spread(buckets, None)


def _buckets(job: Job, gap: Gap) -> list[Bucket]:
    schedule = _schedule(job, gap.at)
    if schedule is None or next(schedule.starting_at(gap.at), None) != gap.at:
        return [Bucket(_quarter(gap.at), RunStatus.MISSED, gap.occurrences)]
    return [Bucket(at, RunStatus.MISSED, count) for at, count in _quarters(schedule, gap.at, gap.occurrences)]


def _schedule(job: Job, at: datetime) -> Recurring | None:
    """Returns the schedule that a job had at an instant; None if it did not recur or can no longer be read."""
    former = history.definition_at(job.id, at)
    try:
        schedule = stored_schedule.read(job.schedule if former is None else former["schedule"])
    except stored_schedule.UNREADABLE:
        return None
    return schedule if isinstance(schedule, Recurring) else None


@lru_cache(maxsize=_MAX_REMEMBERED)
def _quarters(schedule: Recurring, first: datetime, count: int) -> tuple[tuple[datetime, int], ...]:
    """Returns the number of the next `count` occurrences that fall into each quarter of an hour."""
    return tuple(Counter(_quarter(instant) for instant in islice(schedule.starting_at(first), count)).items())


def _quarter(instant: datetime) -> datetime:
    return datetime.fromtimestamp(instant.timestamp() // BUCKET_SECONDS * BUCKET_SECONDS, UTC)
