"""Queries for how the newest runs of several jobs ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.states import RunStatus
from models import database
from models.tables import Run, db

_ID: Any = Run.id
_DUE_AT: Any = Run.due_at


class OverRun(NamedTuple):
    """A run that is over."""

    job_id: UUID
    run_id: UUID
    status: RunStatus
    due_at: datetime


def newest(job_ids: Sequence[UUID], count: int, account_id: str | None) -> list[OverRun]:
    """Returns the newest ended runs of each job, up to a limit, by their ids; only those of an account, if given.

    One statement, as text: peewee takes longer to build it than the database to answer.
    """
    return [_over_run(*row) for row in of_each(_OF_ONE_JOB, account_id, job_ids, count)]


def of_each(statement: str, account_id: str | None, job_ids: Sequence[UUID], *given: int) -> list[tuple[Any, ...]]:
    """Returns the rows of a statement about one job, for all of these jobs in one statement."""
    if not job_ids:
        return []
    mine = "" if account_id is None else "AND account_id = ?"
    whole = " UNION ALL ".join([statement.format(mine=mine).replace("?", db.param)] * len(job_ids))
    account = () if account_id is None else (account_id,)
    values = [value for job_id in job_ids for value in (_ID.db_value(job_id), *account, *given)]
    return database.rows(whole, values)


_OF_ONE_JOB = """
    SELECT * FROM (
        SELECT job_id, id, status, due_at FROM runs
        WHERE job_id = ? {mine} AND finished_at IS NOT NULL ORDER BY id DESC LIMIT ?
    ) AS newest
"""


def _over_run(job_id: Any, run_id: Any, status: Any, due_at: Any) -> OverRun:
    return OverRun(_ID.python_value(job_id), _ID.python_value(run_id), RunStatus(status), _DUE_AT.python_value(due_at))
