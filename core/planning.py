"""Decide which occurrences of a schedule get a row, and where planning continues.

The decision only reads values; `services.scheduling.planning` loads and applies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from core.occurrences import MISSED_AFTER, CatchUpPolicy, DueAt, Missed, sort_out
from core.schedules import Schedule


@dataclass(frozen=True)
class PlannedOccurrences:
    """Occurrences to run, in order, and those missed; `next_run_at` is the first that was left for later."""

    to_run: tuple[datetime, ...] = ()
    missed: tuple[Missed, ...] = ()
    next_run_at: datetime | None = None


def plan_occurrences(
    schedule: Schedule,
    watermark: datetime | None,
    now: datetime,
    horizon: datetime,
    policy: CatchUpPolicy,
    *,
    due_at: DueAt,
    most: int,
) -> PlannedOccurrences:
    """Plan at most `most` occurrences from the watermark to the horizon, both included; none without a watermark."""
    if watermark is None:
        return PlannedOccurrences()
    named = list(islice(takewhile(lambda instant: instant <= horizon, schedule.starting_at(watermark)), most))
    next_run_at = next(schedule.upcoming(named[-1]) if named else schedule.starting_at(watermark), None)
    sorted_out = sort_out(named, due_at, now, policy, following=_may_be_late(schedule, next_run_at, now, most))
    return PlannedOccurrences(sorted_out.to_run, sorted_out.missed, next_run_at)


def _may_be_late(schedule: Schedule, first: datetime | None, now: datetime, most: int) -> Iterator[datetime]:
    """Returns at most `most` occurrences from `first` on whose nominal instants are late: jitter only delays."""
    if first is None:
        return iter(())
    late = takewhile(lambda instant: instant < now - MISSED_AFTER, schedule.starting_at(first))
    return islice(late, most)
