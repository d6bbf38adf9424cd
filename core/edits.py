"""Check that an edit may change a schedule, and carry over the old one's anchor."""

from __future__ import annotations

from datetime import datetime

from core.schedules import Schedule, of_nature


def refusal(old: Schedule, new: Schedule) -> str | None:
    """Returns why a job cannot change from one kind of schedule to the other; None if it can."""
    if new.nature is old.nature:
        return None
    family = " or ".join(of_nature(old.nature))
    return f"is {new.kind}, but this job is {old.kind} and can be {family}; create a new job for that."


def as_edited(old: Schedule, new: Schedule, now: datetime) -> Schedule:
    """Returns the schedule as an edit stores it: an interval keeps its anchor, unless its pace or start changes."""
    return new.replacing(old, now)
