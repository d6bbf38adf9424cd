"""The query for how the newest runs of several jobs ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.states import RunStatus
from models.tables import Run, db

_ID: Any = Run.id
_DUE_AT: Any = Run.due_at


class Outcome(NamedTuple):
    """A run that is over."""

    job_id: UUID
    run_id: UUID
    status: RunStatus
    due_at: datetime


def newest(job_ids: Sequence[UUID], count: int) -> list[Outcome]:
    """Returns at most so many runs of each job that are over, those with the newest ids.

    One statement, as text: peewee takes longer to build it than the database to answer.
    """
    if not job_ids:
        return []
    statement = " UNION ALL ".join([_OF_ONE_JOB.replace("?", db.param)] * len(job_ids))
    given = [value for job_id in job_ids for value in (_ID.db_value(job_id), count)]
    return [_outcome(*row) for row in db.execute_sql(statement, given).fetchall()]


_OF_ONE_JOB = """
    SELECT * FROM (
        SELECT job_id, id, status, due_at FROM runs
        WHERE job_id = ? AND finished_at IS NOT NULL ORDER BY id DESC LIMIT ?
    ) AS newest
"""


def _outcome(job_id: Any, run_id: Any, status: Any, due_at: Any) -> Outcome:
    return Outcome(_ID.python_value(job_id), _ID.python_value(run_id), RunStatus(status), _DUE_AT.python_value(due_at))
