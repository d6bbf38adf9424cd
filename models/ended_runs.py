"""Queries for the runs that ended since an instant: how many, how many of these failed, and how long they took.

A run took as long as the attempt that ended it, without earlier ones and the waits between, as in `models.durations`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.states import NEVER_FIRED, RunStatus
from models import database, filtering
from models.tables import App, Attempt, Job, Run, db

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND, _MINUTE = 1_000_000, 60_000_000  # in microseconds
_MILLISECOND = 1_000  # in microseconds
_SECONDS_TEXT, _MICROSECONDS_TEXT = (1, 19), (21, 6)  # where they stand in an instant's text, and how long they are


class Ended(NamedTuple):
    """Runs of a task type that ended for an account, so many minutes ago, counted, and the attempts that they took.

    `app_id`, `owner_id` and `job_account_id` are those of their jobs, by which it is known who may see them; the
    account is the one that the runs were made for. They ended within the last `minutes_ago` minutes, and before the
    last `minutes_ago` - 1. `took` lists the milliseconds of each that completed, separated by commas.
    """

    app_id: UUID
    app_name: str
    task_type: str
    owner_id: UUID | None
    job_account_id: str
    account_id: str
    minutes_ago: int
    runs: int
    completed: int
    failed: int
    attempts: int
    took: str | None


class EndedOfJob(NamedTuple):
    """Runs of a job that ended, counted, and what each that completed `took`, as in `Ended`."""

    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    task_type: str
    runs: int
    completed: int
    failed: int
    took: str | None


class EndedOfJobs(NamedTuple):
    """The jobs of which most runs ended, and how many match of which any ended."""

    jobs: list[EndedOfJob]
    matching: int


@contextmanager
def reading() -> Iterator[None]:
    """Run a block as `database.reading` does, in which PostgreSQL compiles no statement.

    It takes these for dear, since it does not know how few runs have a former attempt; to compile takes longer then.
    """
    with database.reading():
        if not database.is_sqlite():
            db.execute_sql("SET LOCAL jit = off")
        yield


def cut_at(since: datetime, most: int) -> datetime | None:
    """Returns the end of the newest run beyond the newest `most` that ended since an instant; None if there is none."""
    query: Any = Run.select(Run.finished_at).where(Run.finished_at >= since).order_by(Run.finished_at.desc())
    found: datetime | None = query.offset(most).limit(1).scalar()
    return found


def ended(since: datetime, now: datetime, most: int) -> list[Ended]:
    """Returns what ended since an instant, whosever it is: of the newest `most` ended runs, by account and by minute.

    Runs that were skipped or missed are left out, and those of deleted jobs. The runs are counted by job before the
    jobs are read: most have many.
    """
    newest = _newest(since, most)
    by_job = _by_job(newest, {"account_id": newest.c.account_id, "minutes_ago": _minutes_ago(newest.c.ended_at, now)})
    of_job = (App.id, App.name, Job.task_type, Job.owner_id, Job.account_id)
    of_whom = (*of_job, by_job.c.account_id, by_job.c.minutes_ago)
    counts = (by_job.c.runs, by_job.c.completed, by_job.c.failed, by_job.c.attempts)
    sums = (*(peewee.fn.SUM(one).cast("BIGINT") for one in counts), _listed(by_job.c.took))
    query: Any = Job.select(*of_whom, *sums).join(App).join(by_job, on=by_job.c.job_id == Job.id)
    return [Ended(*row) for row in query.where(Job.deleted_at.is_null()).group_by(*of_whom).tuples()]


def ended_of_jobs(wanted: JobFilter, since: datetime, most: int, limit: int) -> EndedOfJobs:
    """Returns the matching jobs of which most runs ended since an instant, among the newest `most` ended runs.

    As in `ended`; the account of the filter, and that of what is visible, are those that the runs were made for.
    """
    newest = _newest(since, most)
    own = None if wanted.visible is None else wanted.visible.account_id
    accounts = [one for one in (wanted.account_id, own) if one is not None]
    by_job = _by_job(newest, {}, [newest.c.account_id == one for one in accounts])
    of_job = (Job.id, Job.name, Job.title, App.name, Job.task_type)
    figures = (by_job.c.runs, by_job.c.completed, by_job.c.failed, by_job.c.took)
    matching = peewee.fn.COUNT(peewee.SQL("*")).over()
    query: Any = Job.select(*of_job, *figures, matching).join(App).join_from(Job, by_job, on=by_job.c.job_id == Job.id)
    query = filtering.jobs(query, replace(wanted, account_id=None))
    rows = list(query.order_by(by_job.c.runs.desc(), Job.id).limit(limit).tuples())
    return EndedOfJobs([EndedOfJob(*row[:-1]) for row in rows], rows[0][-1] if rows else 0)


def _newest(since: datetime, most: int) -> Any:
    """The newest ended runs, in the order of their index, which SQLite would not choose otherwise.

    `ended_at` is in microseconds from the epoch.
    """
    columns = (Run.id, Run.job.alias("job_id"), Run.account_id, Run.status, Run.attempt_count)
    instants = (Run.started_at, _microseconds(Run.finished_at).alias("ended_at"))
    query: Any = Run.select(*columns, *instants).where(Run.finished_at >= since).order_by(Run.finished_at.desc())
    return query.limit(most).alias("newest")


def _by_job(newest: Any, also: Mapping[str, Any], where: Sequence[Any] = ()) -> Any:
    """The figures of these runs by job, and by what else is given."""
    of_each = newest.c
    sums = (
        peewee.fn.COUNT(peewee.SQL("*")).alias("runs"),
        _count_of(of_each.status, RunStatus.COMPLETED).alias("completed"),
        _count_of(of_each.status, RunStatus.FAILED).alias("failed"),
        peewee.fn.SUM(of_each.attempt_count).alias("attempts"),
        _listed(_took(of_each)).alias("took"),
    )
    query: Any = peewee.Select((newest,), (of_each.job_id, *(one.alias(name) for name, one in also.items()), *sums))
    query = query.where(of_each.status.not_in([one.value for one in NEVER_FIRED]), *where)
    return query.group_by(of_each.job_id, *also.values()).alias("by_job")


def _count_of(status: Any, wanted: RunStatus) -> Any:
    return peewee.fn.COUNT(peewee.Case(None, [(status == wanted.value, 1)]))


def _took(run: Any) -> Any:
    """The milliseconds that a completed run took, as text; null for any other run."""
    later = Attempt.select(Attempt.started_at).where(Attempt.run == run.id, Attempt.number == run.attempt_count)
    began = peewee.fn.COALESCE(peewee.Case(None, [(run.attempt_count > 1, later)]), run.started_at)
    milliseconds = (run.ended_at - _microseconds(began)) / _MILLISECOND
    return peewee.Case(None, [(run.status == RunStatus.COMPLETED.value, milliseconds.cast("TEXT"))])


def _listed(texts: Any) -> Any:
    """The texts of a group, separated by commas; null if there are none."""
    return (peewee.fn.GROUP_CONCAT if database.is_sqlite() else peewee.fn.STRING_AGG)(texts, ",")


def _minutes_ago(ended_at: Any, now: datetime) -> Any:
    """The least number of minutes until `now` within which a run ended."""
    age = peewee.Value((now - _EPOCH) // timedelta(microseconds=1)) - ended_at
    return (age + _MINUTE - 1) / _MINUTE


def _microseconds(instant: Any) -> Any:
    """The microseconds from the epoch to an instant, whole and exact on both databases."""
    if database.is_sqlite():  # which would round
        whole, rest = (peewee.fn.SUBSTR(instant, *places) for places in (_SECONDS_TEXT, _MICROSECONDS_TEXT))
        return peewee.fn.STRFTIME("%s", whole).cast("INTEGER") * _SECOND + rest.cast("INTEGER")
    return (peewee.fn.DATE_PART("epoch", instant) * _SECOND).cast("BIGINT")  # a double is exact until 2106
