"""Queries on the edition of the time-zone data, and on the jobs that depend on it."""

from __future__ import annotations

from uuid import UUID

from models.tables import Installation, Job


def edition() -> str | None:
    """Returns the edition by which coming occurrences were computed."""
    stored: str | None = Installation.get_by_id(1).timezone_data
    return stored


def set_edition(name: str) -> None:
    """Record the edition by which coming occurrences are computed from now on."""
    Installation.update(timezone_data=name).execute()


def with_coming_occurrences(after: UUID | None, limit: int) -> list[UUID]:
    """Returns jobs whose schedule has occurrences without rows, in the order of ids, from `after` (not included) on."""
    query = Job.select(Job.id).where(Job.next_run_at.is_null(False))
    if after is not None:
        query = query.where(Job.id > after)
    return [job.id for job in query.order_by(Job.id).limit(limit)]
