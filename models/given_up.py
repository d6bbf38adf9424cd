"""Queries for jobs that stopped polling though they were not done."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.states import JobState, RunStatus
from models import filtering
from models.tables import App, Job, Run


class GivenUp(NamedTuple):
    """A job that stopped polling: why, and when."""

    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    task_type: str
    account_id: str
    reason: str
    finished_at: datetime


def are_among_more_than(most: int) -> bool:
    """Whether there are more jobs than this, of which `newest` reads all: no index leads to those that gave up."""
    query: Any = Job.select(Job.id).order_by(Job.id).offset(most).limit(1)
    return query.first() is not None


def newest(wanted: JobFilter, limit: int) -> list[GivenUp]:
    """Returns matching jobs that gave up, newest first; not those whose last poll failed, too."""
    columns = (Job.id, Job.name, Job.title, App.name, Job.task_type, Job.account_id, Job.end_reason, Job.finished_at)
    failed = Run.select(peewee.SQL("1")).where(
        Run.job == Job.id, Run.status == RunStatus.FAILED, Run.finished_at >= Job.finished_at
    )
    query: Any = filtering.jobs(Job.select(*columns).join(App), wanted)
    query = query.where(Job.state == JobState.FAILED, Job.end_reason.is_null(False), Job.finished_at.is_null(False))
    query = query.where(~peewee.fn.EXISTS(failed)).order_by(Job.finished_at.desc(), Job.id.desc())
    return [GivenUp(*row) for row in query.limit(limit).tuples()]
