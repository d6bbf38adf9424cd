"""Queries for runs that failed for good, or whose last attempt failed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.states import RunStatus
from models import changes, filtering
from models.chosen_runs import has_run_again, is_being_replayed, is_dismissed
from models.tables import App, DismissedFailure, Job, Run

# Exactly the condition of the partial index `runs_failed`. No other table here has a column `status`.
_FAILED = peewee.SQL("status = 'failed'")
# Likewise of `runs_to_make_due`.
_WAITING_FOR_INSTANT = peewee.SQL("status IN ('pending', 'retrying')")


class Failure(NamedTuple):
    """A run that failed for good."""

    run_id: UUID
    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    task_type: str
    account_id: str
    error_type: str | None
    error_message: str | None
    finished_at: datetime
    retry_of: UUID | None
    is_being_replayed: bool


def newest(wanted: JobFilter, since: datetime, limit: int, before: datetime | None = None) -> list[Failure]:
    """Returns runs of matching jobs that failed since an instant, and before another, newest first.

    Dismissed runs are left out, and runs with a finished replay, whose outcome counts instead.
    """
    columns = (
        Job.name,
        Job.title,
        App.name,
        Job.task_type,
        Run.account_id,
        Run.error_type,
        Run.error_message,
        Run.finished_at,
        Run.retry_of,
    )
    query: Any = Run.select(Run.id, Run.job, *columns, is_being_replayed()).join(Job).join(App)
    query = filtering.runs_of_jobs(query, wanted)
    query = query.where(_FAILED, Run.finished_at >= since, ~has_run_again(), ~is_dismissed())
    if before is not None:
        query = query.where(Run.finished_at < before)
    found = query.order_by(Run.finished_at.desc(), Run.id.desc()).limit(limit).tuples()
    return [Failure._make((*row[:-1], bool(row[-1]))) for row in found]


class ReplayedFailure(NamedTuple):
    """A run that failed for good and was replayed; it may be a replay itself."""

    run_id: UUID
    error_type: str | None
    error_message: str | None
    finished_at: datetime
    retry_of: UUID | None


def replayed(run_ids: Collection[UUID], since: datetime) -> list[ReplayedFailure]:
    """Returns those of these runs that failed since an instant."""
    columns = (Run.id, Run.error_type, Run.error_message, Run.finished_at, Run.retry_of)
    query: Any = Run.select(*columns).where(Run.id.in_(list(run_ids)), Run.finished_at >= since)
    return [ReplayedFailure(*row) for row in query.where(Run.status == RunStatus.FAILED).tuples()]


class Retry(NamedTuple):
    """A run whose last attempt failed, and which is retried when it is due."""

    id: UUID
    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    task_type: str
    error_type: str | None
    error_message: str | None
    due_at: datetime
    status: RunStatus
    held_key: str | None


def retrying(wanted: JobFilter, limit: int) -> list[Retry]:
    """Returns runs of matching jobs that will be retried, soonest first."""
    of_job, of_run = (Job.name, Job.title, App.name, Job.task_type), (Run.error_type, Run.error_message, Run.due_at)
    query: Any = Run.select(Run.id, Run.job, *of_job, *of_run, Run.status, Run.held_key).join(Job).join(App)
    query = filtering.runs_of_jobs(query, wanted)
    query = query.where(_WAITING_FOR_INSTANT, Run.status == RunStatus.RETRYING)
    return [Retry(*row) for row in query.order_by(Run.due_at, Run.id).limit(limit).tuples()]


def dismiss(run: Run, by: str, now: datetime) -> bool:
    """No longer show a run among the failures. Returns whether it was shown there."""
    row: Any = DismissedFailure.insert(run=run.id, dismissed_at=now, dismissed_by=by).on_conflict_ignore()
    if not row.execute():
        return False
    changes.note(runs=[run.id])
    return True
