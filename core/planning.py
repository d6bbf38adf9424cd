"""Decide which occurrences of a schedule get a row, and where planning goes on.

The decision reads values alone; `services.scheduling.planning` loads and applies.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from core.occurrences import MISSED_AFTER, CatchUpPolicy, Missed, sort_out
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
    most: int,
) -> PlannedOccurrences:
    """Plan at most `most` occurrences from the watermark to the horizon, both included; none without a watermark."""
    if watermark is None:
        return PlannedOccurrences()
    named = list(islice(takewhile(lambda instant: instant <= horizon, schedule.starting_at(watermark)), most))
    next_run_at = next(schedule.upcoming(named[-1]) if named else schedule.starting_at(watermark), None)
    late_follow = next_run_at is not None and next_run_at < now - MISSED_AFTER
    sorted_out = sort_out(named, now, policy, more_follow=late_follow)
    return PlannedOccurrences(sorted_out.to_run, sorted_out.missed, next_run_at)
