"""Queries for how long the last attempts at ended runs kept a thread.

One that was ended by a report counts as no time: its receiver had answered 202, and the thread was free meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from models.database import is_sqlite
from models.outcomes import of_each
from models.tables import Run, db

_ID: Any = Run.id


class KindTime(NamedTuple):
    """How long the runs of an app and a task type kept a thread, on average."""

    app_name: str
    task_type: str
    seconds: float


def of_jobs(job_ids: Sequence[UUID], most: int) -> list[tuple[UUID, float]]:
    """Returns the seconds for which each of the newest ended runs of these jobs kept a thread, at most `most` each."""
    statement = _OF_ONE_JOB.replace("{seconds}", _seconds())
    return [(_ID.python_value(job_id), float(seconds)) for job_id, seconds in of_each(statement, None, job_ids, most)]


def of_kinds(most: int) -> list[KindTime]:
    """Returns the averages of the apps and task types of the `most` runs that ended last."""
    statement = _OF_KINDS.replace("{seconds}", _seconds()).replace("?", db.param)
    found = db.execute_sql(statement, (most,)).fetchall()
    return [KindTime(app_name, task_type, float(seconds)) for app_name, task_type, seconds in found]


_LAST_ATTEMPT = "JOIN attempts ON attempts.run_id = ended.id AND attempts.number = ended.attempt_count"
_OF_ONE_JOB = f"""
    SELECT ended.job_id, {{seconds}} FROM (
        SELECT id, job_id, attempt_count FROM runs
        WHERE job_id = ? {{mine}} AND finished_at IS NOT NULL ORDER BY id DESC LIMIT ?
    ) AS ended {_LAST_ATTEMPT} WHERE attempts.finished_at IS NOT NULL
"""  # noqa: S608  words of our own
_OF_KINDS = f"""
    SELECT apps.name, jobs.task_type, AVG({{seconds}}) FROM (
        SELECT id, job_id, attempt_count FROM runs WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT ?
    ) AS ended {_LAST_ATTEMPT}
    JOIN jobs ON jobs.id = ended.job_id JOIN apps ON apps.id = jobs.app_id
    WHERE attempts.finished_at IS NOT NULL GROUP BY apps.name, jobs.task_type
"""  # noqa: S608


def _seconds() -> str:
    """The seconds of an attempt, in the database's own words."""
    if is_sqlite():
        took = "ROUND((julianday(attempts.finished_at) - julianday(attempts.started_at)) * 86400, 3)"
    else:
        took = "EXTRACT(EPOCH FROM attempts.finished_at - attempts.started_at)"
    return f"CASE WHEN attempts.report IS NULL THEN {took} ELSE 0 END"
