"""Queries on upcoming runs: those that wait for their instant, and jobs whose next occurrence has no row yet.

Paused jobs and jobs of paused apps are left out. Thousands are read at a time, so rows are plain tuples, and a schedule
is its stored text.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.states import JobState, RunStatus, Trigger
from models import filtering
from models.tables import App, Job, Run

# As the index `runs_to_make_due` has it.
_WAITING = peewee.SQL("status IN ('pending', 'retrying')")
_OF_JOB = (Job.id, Job.name, Job.title, Job.task_type, Job.schedule.cast("TEXT"), Job.runs_started, App.name)


class ComingJob(NamedTuple):
    """A job that has an upcoming run."""

    id: UUID
    name: str | None
    title: str | None
    task_type: str
    schedule: str
    runs_started: int
    app_name: str


class PlannedRun(NamedTuple):
    """A run that waits for its instant."""

    job: ComingJob
    id: UUID
    trigger: str
    scheduled_for: datetime
    due_at: datetime


class Unplanned(NamedTuple):
    """A job whose occurrences have no rows from this instant on."""

    job: ComingJob
    next_run_at: datetime


def planned(wanted: JobFilter, until: datetime, limit: int, start: datetime | None = None) -> list[PlannedRun]:
    """Returns planned runs that are due by an instant and have not begun, soonest first; from `start` on, if given."""
    columns = (Run.id, Run.trigger, Run.scheduled_for, Run.due_at)
    query = _going_on(Run.select(*_OF_JOB, *columns).join(Job).join(App), wanted)
    query = query.where(_WAITING, Run.status == RunStatus.PENDING, Run.due_at <= until)
    query = query if start is None else query.where(Run.due_at >= start)
    query = query.order_by(Run.due_at, Run.id).limit(limit)
    return [PlannedRun(ComingJob(*row[: -len(columns)]), *row[-len(columns) :]) for row in query.tuples()]


def to_plan(wanted: JobFilter, until: datetime, limit: int) -> list[Unplanned]:
    """Returns jobs with an occurrence by an instant that has no row yet, soonest first."""
    query = _going_on(Job.select(*_OF_JOB, Job.next_run_at).join(App), wanted).where(Job.next_run_at <= until)
    rows = query.order_by(Job.next_run_at, Job.id).limit(limit).tuples()
    return [Unplanned(ComingJob(*of_job), next_run_at) for *of_job, next_run_at in rows]


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
