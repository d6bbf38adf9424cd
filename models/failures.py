"""Queries for runs that failed: for good, or to be tried again."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.states import RunStatus
from models import changes, filtering
from models.chosen_runs import is_dismissed, is_repeated
from models.tables import App, DismissedFailure, Job, Run

# The condition of the partial index `runs_failed`, to the letter. No other table here has a column `status`.
_FAILED = peewee.SQL("status = 'failed'")
# Likewise of `runs_to_make_due`.
_WAITING_FOR_INSTANT = peewee.SQL("status IN ('pending', 'retrying')")


class Failure(NamedTuple):
    """A run that failed for good."""

    run_id: UUID
    job_id: UUID
    job_name: str | None
    app_name: str
    task_type: str
    account_id: str
    error_type: str | None
    error_message: str | None
    finished_at: datetime
    is_repeated: bool


def newest(wanted: JobFilter, since: datetime, limit: int) -> list[Failure]:
    """Returns runs of jobs that fit and that failed since an instant, newest first, without those dismissed."""
    columns = (Job.name, App.name, Job.task_type, Run.account_id, Run.error_type, Run.error_message, Run.finished_at)
    query: Any = Run.select(Run.id, Run.job, *columns, is_repeated()).join(Job).join(App)
    query = filtering.jobs(query, wanted).where(_FAILED, Run.finished_at >= since, ~is_dismissed())
    found = query.order_by(Run.finished_at.desc(), Run.id.desc()).limit(limit).tuples()
    return [Failure._make((*row[:-1], bool(row[-1]))) for row in found]


class Retry(NamedTuple):
    """A run whose last attempt failed, and which is tried again when it is due."""

    run_id: UUID
    job_id: UUID
    job_name: str | None
    app_name: str
    task_type: str
    error_type: str | None
    error_message: str | None
    due_at: datetime


def retrying(wanted: JobFilter, limit: int) -> list[Retry]:
    """Returns runs of jobs that fit and that are tried again, soonest first."""
    columns = (Job.name, App.name, Job.task_type, Run.error_type, Run.error_message, Run.due_at)
    query: Any = Run.select(Run.id, Run.job, *columns).join(Job).join(App)
    query = filtering.jobs(query, wanted).where(_WAITING_FOR_INSTANT, Run.status == RunStatus.RETRYING)
    return [Retry(*row) for row in query.order_by(Run.due_at, Run.id).limit(limit).tuples()]


def dismiss(run: Run, by: str, now: datetime) -> bool:
    """Show a run among the failures no more. Returns whether it was shown there."""
    row: Any = DismissedFailure.insert(run=run.id, dismissed_at=now, dismissed_by=by).on_conflict_ignore()
    if not row.execute():
        return False
    changes.note(runs=[run.id])
    return True
