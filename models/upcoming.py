"""Queries on upcoming runs: those that wait for their instant, and jobs whose next occurrence has no row yet.

Paused jobs and jobs of paused apps are left out. Thousands are read at a time, so rows are plain tuples, and a schedule
is its stored text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.policies import Overlap
from core.states import JobState, RunStatus, Trigger
from models import filtering
from models.tables import App, Job, Run

# As the index `runs_to_make_due` has it.
_WAITING = peewee.SQL("status IN ('pending', 'retrying')")
_OF_JOB = (
    *(Job.id, Job.name, Job.title, Job.task_type, Job.schedule.cast("TEXT"), Job.runs_started),
    *(App.name, Job.queue, Job.overlap),
)
_OF_RUN: tuple[Any, ...] = (Run.id, Run.trigger, Run.scheduled_for, Run.due_at)


class ComingJob(NamedTuple):
    """A job that has an upcoming run."""

    id: UUID
    name: str | None
    title: str | None
    task_type: str
    schedule: str
    runs_started: int
    app_name: str
    queue: str
    overlap: Overlap


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
    query = _soonest(Run.select(*_OF_JOB, *_OF_RUN), wanted, until)
    query = query if start is None else query.where(Run.due_at >= start)
    return _planned_runs(query.limit(limit).tuples())


def first_planned(wanted: JobFilter, until: datetime, limit: int, most: int) -> tuple[list[PlannedRun], bool]:
    """Returns the first planned run of each job (one of its schedule, one of each other trigger), soonest first.

    Of the soonest `most` that are due by an instant; if there may be more, or more than the limit, the second value is
    true, and the list is complete up to its last run, which need not be a first one.
    """
    rows = _soonest(Run.select(Run.id, Run.job.alias("job_id"), Run.trigger, Run.due_at), wanted, until)
    soonest = rows.limit(most).alias("soonest")
    each, order = soonest.c, [soonest.c.due_at, soonest.c.id]
    of_job = peewee.fn.ROW_NUMBER().over(partition_by=[each.job_id, each.trigger], order_by=order).alias("of_job")
    of_all = peewee.fn.ROW_NUMBER().over(order_by=order).alias("of_all")
    numbered = peewee.Select((soonest,), (each.id, of_job, of_all)).alias("numbered")
    query: Any = Run.select(*_OF_JOB, *_OF_RUN, numbered.c.of_all).join(Job).join(App)
    query = query.join_from(Run, numbered, on=numbered.c.id == Run.id)
    query = query.where((numbered.c.of_job == 1) | (numbered.c.of_all == most)).order_by(numbered.c.of_all)
    found = list(query.limit(limit).tuples())
    is_cut = len(found) == limit or (bool(found) and found[-1][-1] == most)
    return _planned_runs(row[:-1] for row in found), is_cut


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


def _soonest(query: Any, wanted: JobFilter, until: datetime) -> Any:
    query = _going_on(query.join(Job).join(App), wanted)
    query = query.where(_WAITING, Run.status == RunStatus.PENDING, Run.due_at <= until)
    return query.order_by(Run.due_at, Run.id)


def _planned_runs(rows: Iterable[Any]) -> list[PlannedRun]:
    count = len(_OF_RUN)
    return [PlannedRun(ComingJob(*row[:-count]), *row[-count:]) for row in rows]


def _going_on(query: Any, wanted: JobFilter) -> Any:
    return filtering.jobs(query, wanted).where(Job.state == JobState.ACTIVE, App.paused_at.is_null())
