"""Queries on what happened to a job at an instant that has passed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.states import RunStatus, Trigger
from models.tables import JobVersion, Run


def run_of(job_id: UUID, at: datetime, within: timedelta) -> Run | None:
    """Returns the run whose nominal instant is this one, or follows within so long; the schedule's own goes first."""
    query = Run.select().where(Run.job == job_id, Run.scheduled_for >= at, Run.scheduled_for < at + within)
    found: Run | None = query.order_by((Run.trigger == Trigger.SCHEDULE).desc(), Run.scheduled_for, Run.id).first()
    return found


def gap_before(job_id: UUID, at: datetime) -> Run | None:
    """Returns the newest row no later than an instant that stands for several missed occurrences."""
    gaps = Run.select().where(Run.job == job_id, Run.status == RunStatus.MISSED, Run.occurrences > 1)
    found: Run | None = gaps.where(Run.scheduled_for <= at).order_by(Run.scheduled_for.desc()).first()
    return found


def going_at(job_id: UUID, at: datetime, but: UUID) -> Run | None:
    """Returns another run of the job that was due before an instant, and not over by then."""
    was_due = (Run.job == job_id) & (Run.id != but) & (Run.scheduled_for <= at)
    was_going = Run.status.not_in((RunStatus.PENDING, RunStatus.SKIPPED, RunStatus.MISSED))
    not_over = Run.finished_at.is_null() | (Run.finished_at >= at)
    found: Run | None = Run.select().where(was_due, was_going, not_over).order_by(Run.scheduled_for.desc()).first()
    return found


def definition_at(job_id: UUID, at: datetime) -> dict[str, Any] | None:
    """Returns a job's definition as it was at an instant; None if that is the present one."""
    replaced_later = JobVersion.select().where(JobVersion.job == job_id, JobVersion.replaced_at > at)
    found = replaced_later.order_by(JobVersion.version).first()
    return None if found is None else found.definition
