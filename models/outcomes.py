"""Queries for how the newest runs of several jobs ended, and how long they took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.states import RunStatus
from models import filtering
from models.tables import App, Job, Run, db

FEW = 500
_OF_JOB = (Job.id, Job.name, Job.title, App.name, Job.task_type)
_ID: Any = Run.id
_DUE_AT: Any = Run.due_at
_STARTED_AT: Any = Run.started_at


class OverRun(NamedTuple):
    """A run that is over."""

    job_id: UUID
    run_id: UUID
    status: RunStatus
    due_at: datetime


class Duration(NamedTuple):
    """The beginning and the end of a completed run."""

    job_id: UUID
    started_at: datetime
    finished_at: datetime
    run_id: UUID


class EndedJob(NamedTuple):
    """A job of which a run is over."""

    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    task_type: str


def ended_last(wanted: JobFilter, since: datetime, most: int) -> list[EndedJob]:
    """Returns matching jobs of which a run has ended since an instant, the most recent first.

    If more than 500 jobs match, only those that have a run among a number of the newest completed runs of all jobs.
    """
    few = filtering.jobs(Job.select(Job.id).join(App), wanted).limit(FEW + 1)
    ids = [job_id for (job_id,) in few.tuples()]
    return _of_few(ids, since) if len(ids) <= FEW else _of_newest_runs(wanted, since, most)


def _of_few(ids: Sequence[UUID], since: datetime) -> list[EndedJob]:
    """Looks up the newest ended run of each job separately."""
    newest_run: Any = Run.select(Run.finished_at).where(Run.job == Job.id, Run.finished_at.is_null(False))
    ended_at = newest_run.order_by(Run.id.desc()).limit(1).alias("ended_at")
    some = Job.select(Job.id, ended_at).where(Job.id.in_(ids)).alias("some")
    query: Any = Job.select(*_OF_JOB).join(App).join_from(Job, some, on=some.c.id == Job.id)
    query = query.where(some.c.ended_at >= _STARTED_AT.db_value(since)).order_by(some.c.ended_at.desc(), Job.id)
    return [EndedJob(*row) for row in query.tuples()]


def _of_newest_runs(wanted: JobFilter, since: datetime, most: int) -> list[EndedJob]:
    newest = Run.select(Run.job, Run.finished_at).where(Run.finished_at >= since, Run.status == RunStatus.COMPLETED)
    some = newest.order_by(Run.finished_at.desc()).limit(most).alias("some")
    query: Any = Job.select(*_OF_JOB).join(App).join_from(Job, some, on=some.c.job_id == Job.id)
    query = filtering.jobs(query, wanted).group_by(*_OF_JOB).order_by(peewee.fn.MAX(some.c.finished_at).desc())
    return [EndedJob(*row) for row in query.tuples()]


def newest(job_ids: Sequence[UUID], count: int, account_id: str | None) -> list[OverRun]:
    """Returns the newest ended runs of each job, up to a limit, by their ids; only those of an account, if given.

    One statement, as text: peewee takes longer to build it than the database to answer.
    """
    return [_over_run(*row) for row in _of_each(_OF_ONE_JOB, account_id, job_ids, count)]


def durations(job_ids: Sequence[UUID], count: int, most: int, account_id: str | None) -> list[Duration]:
    """Returns beginning and end of each job's newest completed runs, up to a limit, among its newest `most` runs.

    If an account is given, only of runs that were made for it.
    """
    return [_duration(*row) for row in _of_each(_DURATIONS_OF_ONE_JOB, account_id, job_ids, most, count)]


def _of_each(statement: str, account_id: str | None, job_ids: Sequence[UUID], *given: int) -> list[tuple[Any, ...]]:
    """Returns the rows of a statement about one job, for all of these jobs in one statement."""
    if not job_ids:
        return []
    mine = "" if account_id is None else "AND account_id = ?"
    whole = " UNION ALL ".join([statement.format(mine=mine).replace("?", db.param)] * len(job_ids))
    account = () if account_id is None else (account_id,)
    values = [value for job_id in job_ids for value in (_ID.db_value(job_id), *account, *given)]
    found: list[tuple[Any, ...]] = db.execute_sql(whole, values).fetchall()
    return found


_OF_ONE_JOB = """
    SELECT * FROM (
        SELECT job_id, id, status, due_at FROM runs
        WHERE job_id = ? {mine} AND finished_at IS NOT NULL ORDER BY id DESC LIMIT ?
    ) AS newest
"""
_DURATIONS_OF_ONE_JOB = """
    SELECT * FROM (
        SELECT job_id, started_at, finished_at, id FROM (
            SELECT id, job_id, status, started_at, finished_at FROM runs
            WHERE job_id = ? {mine} AND finished_at IS NOT NULL ORDER BY id DESC LIMIT ?
        ) AS newest
        WHERE status = 'completed' AND started_at IS NOT NULL ORDER BY id DESC LIMIT ?
    ) AS completed
"""


def _over_run(job_id: Any, run_id: Any, status: Any, due_at: Any) -> OverRun:
    return OverRun(_ID.python_value(job_id), _ID.python_value(run_id), RunStatus(status), _DUE_AT.python_value(due_at))


def _duration(job_id: Any, started_at: Any, finished_at: Any, run_id: Any) -> Duration:
    instants = (_STARTED_AT.python_value(started_at), _STARTED_AT.python_value(finished_at))
    return Duration(_ID.python_value(job_id), *instants, _ID.python_value(run_id))
