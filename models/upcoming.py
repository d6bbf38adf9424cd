"""Queries on what comes: runs that wait for their instant, and jobs whose next occurrence has no row yet.

What is paused, with its app or by itself, is left out.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.states import JobState, RunStatus, Trigger
from models import filtering
from models.tables import App, Job, Run

# As the index `runs_to_make_due` has it.
_WAITING = peewee.SQL("status IN ('pending', 'retrying')")
_SHOWN = (Job.id, Job.name, Job.task_type, Job.schedule, Job.next_run_at, Job.runs_started, App.id, App.name)


def planned(wanted: JobFilter, until: datetime, limit: int) -> list[Run]:
    """Returns planned runs that are due by an instant and have not begun, with jobs and apps, soonest first."""
    columns = (Run.id, Run.job, Run.trigger, Run.scheduled_for, Run.due_at)
    query = _going_on(Run.select(*columns, *_SHOWN).join(Job).join(App), wanted)
    query = query.where(_WAITING, Run.status == RunStatus.PENDING, Run.due_at <= until)
    return list(query.order_by(Run.due_at, Run.id).limit(limit))


def to_plan(wanted: JobFilter, until: datetime, limit: int) -> list[Job]:
    """Returns jobs with an occurrence by an instant that has no row yet, with their apps, soonest first."""
    query = _going_on(Job.select(*_SHOWN).join(App), wanted).where(Job.next_run_at <= until)
    return list(query.order_by(Job.next_run_at, Job.id).limit(limit))


def count_planned(job_ids: Collection[UUID]) -> dict[UUID, int]:
    """Returns how many occurrences of each of these jobs have a row and wait for their instant."""
    query: Any = (
        Run.select(Run.job, peewee.fn.COUNT(Run.id))
        .where(
            Run.job.in_(list(job_ids)),
            filtering.LIVE,
            Run.status == RunStatus.PENDING,
            Run.trigger == Trigger.SCHEDULE,
        )
        .group_by(Run.job)
    )
    return dict(query.tuples())


def _going_on(query: Any, wanted: JobFilter) -> Any:
    return filtering.jobs(query, wanted).where(Job.state == JobState.ACTIVE, App.paused_at.is_null())
