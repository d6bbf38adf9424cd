"""Queries for how the newest runs of several jobs ended, and how long they took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.states import RunStatus
from models.tables import Run, db

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
    """From when to when a run took that completed."""

    job_id: UUID
    started_at: datetime
    finished_at: datetime


def newest(job_ids: Sequence[UUID], count: int) -> list[OverRun]:
    """Returns at most so many runs of each job that are over, those with the newest ids.

    One statement, as text: peewee takes longer to build it than the database to answer.
    """
    return [_over_run(*row) for row in _of_each(_OF_ONE_JOB, job_ids, count)]


def durations(job_ids: Sequence[UUID], count: int, most: int) -> list[Duration]:
    """Returns when at most so many of each job's newest runs that completed took place, among its newest `most`."""
    return [_duration(*row) for row in _of_each(_DURATIONS_OF_ONE_JOB, job_ids, most, count)]


def _of_each(statement: str, job_ids: Sequence[UUID], *given: int) -> list[tuple[Any, ...]]:
    """Returns the rows of a statement about one job, for all of these, in one."""
    if not job_ids:
        return []
    whole = " UNION ALL ".join([statement.replace("?", db.param)] * len(job_ids))
    values = [value for job_id in job_ids for value in (_ID.db_value(job_id), *given)]
    found: list[tuple[Any, ...]] = db.execute_sql(whole, values).fetchall()
    return found


_OF_ONE_JOB = """
    SELECT * FROM (
        SELECT job_id, id, status, due_at FROM runs
        WHERE job_id = ? AND finished_at IS NOT NULL ORDER BY id DESC LIMIT ?
    ) AS newest
"""
_DURATIONS_OF_ONE_JOB = """
    SELECT * FROM (
        SELECT job_id, started_at, finished_at FROM (
            SELECT id, job_id, status, started_at, finished_at FROM runs
            WHERE job_id = ? AND finished_at IS NOT NULL ORDER BY id DESC LIMIT ?
        ) AS newest
        WHERE status = 'completed' AND started_at IS NOT NULL ORDER BY id DESC LIMIT ?
    ) AS completed
"""


def _over_run(job_id: Any, run_id: Any, status: Any, due_at: Any) -> OverRun:
    return OverRun(_ID.python_value(job_id), _ID.python_value(run_id), RunStatus(status), _DUE_AT.python_value(due_at))


def _duration(job_id: Any, started_at: Any, finished_at: Any) -> Duration:
    return Duration(
        _ID.python_value(job_id), _STARTED_AT.python_value(started_at), _STARTED_AT.python_value(finished_at)
    )
