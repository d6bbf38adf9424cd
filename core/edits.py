"""Check that an edit may change a schedule."""

from __future__ import annotations

from core.schedules import Schedule, of_nature


def refusal(old: Schedule, new: Schedule) -> str | None:
    """Returns why a job cannot change from one kind of schedule to the other; None if it can."""
    if new.nature is old.nature:
        return None
    family = " or ".join(of_nature(old.nature))
    return f"is {new.kind}, but this job is {old.kind} and can be {family}; create a new job for that."
