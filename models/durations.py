"""Queries for how long the completed runs of jobs took: the attempt that succeeded, without earlier ones and waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core import usual
from core.filters import JobFilter
from core.states import RunStatus
from models import filtering
from models.database import is_sqlite
from models.outcomes import of_each
from models.tables import App, Job, Run, db

FEW = 500
MAX_ENDED = 100_000
MAX_MEASURED = 2_000
_AT_ONCE = 500
MAX_COMPLETED = 120
MAX_LOOKED_THROUGH = 300
_OF_JOB = (Job.id, Job.name, Job.title, App.name, Job.task_type)
_ID: Any = Run.id
_STARTED_AT: Any = Run.started_at


class Duration(NamedTuple):
    """When the attempt began with which a run completed, and when that ended."""

    job_id: UUID
    started_at: datetime
    finished_at: datetime
    run_id: UUID


class SlowerJob(NamedTuple):
    """A job of which the newest completed runs took much longer than the middle one of its earlier ones."""

    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    task_type: str


class SlowerJobs(NamedTuple):
    """The slower jobs that were found, and how many jobs match: at most `FEW`, or one more for any greater number."""

    jobs: list[SlowerJob]
    matching: int


def newest(job_ids: Sequence[UUID], count: int, most: int, account_id: str | None) -> list[Duration]:
    """Returns each job's newest completed runs, up to a limit, among its newest `most` runs.

    If an account is given, only runs that were made for it.
    """
    return [_duration(*row) for row in of_each(_OF_ONE_JOB, account_id, job_ids, most, count)]


def slower(wanted: JobFilter, since: datetime, most: int, account_id: str | None) -> SlowerJobs:
    """Returns matching jobs whose newest two or more runs were slow, as `core.usual` has it, most so first.

    Considers the jobs of which a run has completed since an instant. If more than 500 jobs match, only those that
    `differed_most` returns: what is read is bounded, however many runs there are.
    """
    jobs: Any = filtering.jobs(Job.select(Job.id).join(App), wanted)
    ids = [job_id for (job_id,) in jobs.limit(FEW + 1).tuples()]
    matching = len(ids)
    if matching > FEW:
        ids = differed_most(wanted, since, account_id)
    # Statements of few jobs: PostgreSQL compiles one of many, which takes longer than to carry it out.
    parts = (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
    found = [row for part in parts for row in _measured(part, since, account_id)]
    first = sorted(found, key=lambda row: (-row[0], row[1].job_id))[:most]
    return SlowerJobs([job for _, job in first], matching)


def differed_most(wanted: JobFilter, since: datetime, account_id: str | None) -> list[UUID]:
    """Returns matching jobs with a run that completed since an instant and took over a second, at most 2,000.

    These are the ones whose runs differed most. Of the runs that ended since then, the newest 100,000 of the
    installation are read, in the order of their index, which SQLite would not choose otherwise.
    """
    seconds = peewee.SQL(_seconds_from("started_at"))
    shortest, longest = peewee.fn.MIN(seconds), peewee.fn.MAX(seconds)
    ended = _newest_ended(since)
    differed = (longest / (shortest + usual.MIN_SECONDS)).alias("differed")
    runs: Any = peewee.Select((ended,), (ended.c.job_id, differed)).where(ended.c.status == RunStatus.COMPLETED.value)
    runs = runs if account_id is None else runs.where(ended.c.account_id == account_id)
    some = runs.group_by(ended.c.job_id).having(longest > usual.MIN_SECONDS).alias("some")
    jobs: Any = filtering.jobs(Job.select(Job.id).join(App).join_from(Job, some, on=some.c.job_id == Job.id), wanted)
    return [job_id for (job_id,) in jobs.order_by(some.c.differed.desc(), Job.id).limit(MAX_MEASURED).tuples()]


def _newest_ended(since: datetime) -> Any:
    columns = (Run.job.alias("job_id"), Run.account_id, Run.status, Run.started_at, Run.finished_at)
    query: Any = Run.select(*columns).where(Run.finished_at >= since).order_by(Run.finished_at.desc())
    return query.limit(MAX_ENDED).alias("ended")


def _measured(job_ids: Sequence[UUID], since: datetime, account_id: str | None) -> list[tuple[float, SlowerJob]]:
    """Returns those of the jobs that are slow, and how many times as long as usual the newest runs took."""
    times = Job.select(Job.id, _times(since, account_id).alias("times")).where(Job.id.in_(job_ids))
    # The limit keeps PostgreSQL from computing the times twice.
    measured = times.limit(_AT_ONCE).alias("measured")
    query: Any = Job.select(measured.c.times, *_OF_JOB).join(App)
    query = query.join_from(Job, measured, on=measured.c.id == Job.id).where(measured.c.times.is_null(False))
    return [(float(row[0]), SlowerJob(*row[1:])) for row in query.tuples()]


def _times(since: datetime, account_id: str | None) -> Any:
    """How many times as long as usual the less slow one of a job's newest two runs took; null if it is not slow."""
    mine = "" if account_id is None else "AND account_id = ?"
    before, after = (part.replace("?", db.param) for part in _slower_than_usual(mine).split("{job}"))
    account = () if account_id is None else (account_id,)
    after_values = (*account, MAX_LOOKED_THROUGH, MAX_COMPLETED)
    since_value = _STARTED_AT.db_value(since)
    return peewee.NodeList((peewee.SQL(before, (since_value,)), Job.id, peewee.SQL(after, after_values)))


def _slower_than_usual(mine: str) -> str:
    return f"""
        (SELECT CASE WHEN ended_at >= ? AND runs >= {usual.MIN_RUNS + usual.MIN_SLOW}
                AND newest > {usual.MUCH} * usual AND newest > usual + {usual.MIN_SECONDS}
            THEN newest / CASE WHEN usual > 0.001 THEN usual ELSE 0.001 END END
        FROM (
            SELECT MAX(finished_at) AS ended_at, COUNT(*) AS runs,
                MIN(CASE WHEN place <= {usual.MIN_SLOW} THEN seconds END) AS newest,
                MAX(CASE WHEN place > runs / 2 AND rank = (runs - runs / 2 + 1) / 2 THEN seconds END) AS usual
            FROM (
                SELECT finished_at, seconds, place, runs,
                    ROW_NUMBER() OVER (PARTITION BY place > runs / 2 ORDER BY seconds) AS rank
                FROM (
                    SELECT finished_at, ROW_NUMBER() OVER (ORDER BY id DESC) AS place, COUNT(*) OVER () AS runs,
                        {_seconds_from("began_at")} AS seconds
                    FROM ({_completed("{job}", mine)}) AS completed
                ) AS numbered
            ) AS ranked
        ) AS measured)
    """  # noqa: S608  words and numbers of our own


def _completed(job: str, mine: str) -> str:
    """The newest completed runs of a job, with the beginning of the attempt that succeeded."""
    return f"""
        SELECT id, job_id, finished_at, COALESCE(
            CASE WHEN attempt_count > 1 THEN (
                SELECT attempts.started_at FROM attempts
                WHERE attempts.run_id = looked.id AND attempts.number = looked.attempt_count
            ) END, started_at) AS began_at
        FROM (
            SELECT id, job_id, status, attempt_count, started_at, finished_at FROM runs
            WHERE job_id = {job} {mine} AND finished_at IS NOT NULL ORDER BY id DESC LIMIT ?
        ) AS looked
        WHERE status = 'completed' AND started_at IS NOT NULL ORDER BY id DESC LIMIT ?
    """  # noqa: S608  words of our own


def _seconds_from(column: str) -> str:
    """The seconds from an instant to the end of a run, in the database's own words."""
    if is_sqlite():
        return f"ROUND((julianday(finished_at) - julianday({column})) * 86400, 3)"
    return f"EXTRACT(EPOCH FROM finished_at - {column})"


_OF_ONE_JOB = "SELECT job_id, began_at, finished_at, id FROM (" + _completed("?", "{mine}") + ") AS completed"  # noqa: S608


def _duration(job_id: Any, started_at: Any, finished_at: Any, run_id: Any) -> Duration:
    instants = (_STARTED_AT.python_value(started_at), _STARTED_AT.python_value(finished_at))
    return Duration(_ID.python_value(job_id), *instants, _ID.python_value(run_id))
