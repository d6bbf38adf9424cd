"""Queries on runs that are repeated: retried, replayed, or backfilled."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from core.states import RunStatus, Trigger
from models.tables import Job, Run

_ENDED = (RunStatus.FAILED, RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.MISSED)


def last_failed(job: Job) -> Run | None:
    """Returns the run of a locked job that failed last; if none failed, the last that ended."""
    query = Run.select().where(Run.job == job.id, Run.status.in_(_ENDED))
    last: Run | None = query.order_by(
        (Run.status == RunStatus.FAILED).desc(), Run.finished_at.desc(), Run.id.desc()
    ).first()
    return last


def going_on(run_ids: Collection[UUID]) -> set[UUID]:
    """Returns which of these runs are repeated by a run that is not over."""
    query = Run.select(Run.retry_of).where(Run.retry_of.in_(list(run_ids)), Run.finished_at.is_null())
    return {run.retry_of for run in query if run.retry_of is not None}


def of_span(job: Job, start: datetime, end: datetime) -> list[Run]:
    """Returns a job's runs for occurrences from `start` to before `end`: the schedule's own, backfills, repeats."""
    query = Run.select(Run.id, Run.trigger, Run.status, Run.scheduled_for).where(
        Run.job == job.id,
        Run.trigger.in_((Trigger.SCHEDULE, Trigger.BACKFILL, Trigger.RETRY)),
        Run.scheduled_for >= start,
        Run.scheduled_for < end,
    )
    return list(query)
