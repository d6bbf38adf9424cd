"""What an edit may make of a schedule, and what of the old one stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.schedules import RECURRING_KINDS, Cron, DelayFromNow, Immediate, Interval, Polling, RunAt, Schedule

ONE_SHOTS = (Immediate, RunAt, DelayFromNow)

_FAMILIES: tuple[tuple[str, ...], ...] = (tuple(kind.kind for kind in ONE_SHOTS), RECURRING_KINDS, (Polling.kind,))


def refusal(old: Schedule, new: Schedule) -> str | None:
    """Why a job cannot change from one kind of schedule to the other; None if it can."""
    family = next(kinds for kinds in _FAMILIES if old.kind in kinds)
    if new.kind in family:
        return None
    return f"is {new.kind}, but this job is {old.kind} and can be {' or '.join(family)}; create a new job for that."


def as_edited(old: Schedule, new: Schedule, now: datetime) -> Schedule:
    """The schedule as it is stored by an edit: an interval keeps its anchor unless its pace or its start changes."""
    match old, new:
        case Interval(), Interval():
            return replace(new, anchor_at=_anchor(old, new, now))
        case Cron(), Interval():
            return new.accepted(now)
        case _:
            return new


def _anchor(old: Interval, new: Interval, now: datetime) -> datetime | None:
    if new.starts_at is not None and new.starts_at != old.starts_at:
        return new.starts_at
    if new.every_seconds != old.every_seconds:
        return max(now, new.starts_at or now)
    return old.anchor_at
