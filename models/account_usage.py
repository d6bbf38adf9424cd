"""Queries for what accounts used: the runs that ended since an instant, and the limits that hold their runs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.limit_keys import ACCOUNT
from core.states import NEVER_FIRED, Hold, RunStatus
from models import apps, database
from models.tables import App, HeldKey, Job, Run

_SLASH = "/"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND, _MINUTE = 1_000_000, 60_000_000  # in microseconds
_SECONDS_TEXT, _MICROSECONDS_TEXT = (1, 19), (21, 6)  # where they stand in an instant's text, and how long they are


class Ended(NamedTuple):
    """Runs that ended for an account, so many minutes ago: how many, how many of these failed, and their attempts.

    `app_id`, `owner_id` and `job_account_id` are those of their jobs, by which it is known who may see them; the
    account is the one that the runs were made for. They ended within the last `minutes_ago` minutes, and before the
    last `minutes_ago` - 1.
    """

    app_id: UUID
    app_name: str
    owner_id: UUID | None
    job_account_id: str
    account_id: str
    minutes_ago: int
    runs: int
    failed: int
    attempts: int


class HeldAccount(NamedTuple):
    """An account of an app whose own limit holds runs, by the key of this limit, until it is looked at again."""

    app_name: str
    account_id: str
    key: str
    held_by: Hold
    until: datetime


def cut_at(since: datetime, most: int) -> datetime | None:
    """Returns the end of the newest run beyond the newest `most` that ended since an instant; None if there is none."""
    query: Any = Run.select(Run.finished_at).where(Run.finished_at >= since).order_by(Run.finished_at.desc())
    found: datetime | None = query.offset(most).limit(1).scalar()
    return found


def ended(since: datetime, now: datetime, most: int) -> list[Ended]:
    """Returns what ended since an instant, whosever it is: of the newest `most` ended runs, by account and by minute.

    Runs that were skipped or missed are left out, and those of deleted jobs. The runs are read in the order of their
    index, which SQLite would not choose otherwise, and counted by job before the jobs are read: most have many.
    """
    columns = (Run.job.alias("job_id"), Run.account_id, Run.status, Run.attempt_count, _minutes_ago(now))
    newest: Any = Run.select(*columns).where(Run.finished_at >= since).order_by(Run.finished_at.desc())
    by_job = _by_job(newest.limit(most).alias("newest"))
    of_whom = (App.id, App.name, Job.owner_id, Job.account_id, by_job.c.account_id, by_job.c.minutes_ago)
    sums = [peewee.fn.SUM(one).cast("BIGINT") for one in (by_job.c.runs, by_job.c.failed, by_job.c.attempts)]
    query: Any = Job.select(*of_whom, *sums).join(App).join(by_job, on=by_job.c.job_id == Job.id)
    return [Ended(*row) for row in query.where(Job.deleted_at.is_null()).group_by(*of_whom).tuples()]


def _minutes_ago(now: datetime) -> Any:
    """The least number of minutes until `now` within which a run ended; whole microseconds are exact on both."""
    finished: Any
    if database.is_sqlite():
        whole, rest = (peewee.fn.SUBSTR(Run.finished_at, *places) for places in (_SECONDS_TEXT, _MICROSECONDS_TEXT))
        finished = peewee.fn.STRFTIME("%s", whole).cast("INTEGER") * _SECOND + rest.cast("INTEGER")  # it would round
    else:
        finished = (peewee.fn.EXTRACT(peewee.SQL("EPOCH FROM finished_at")) * _SECOND).cast("BIGINT")
    age = peewee.Value((now - _EPOCH) // timedelta(microseconds=1)) - finished
    return ((age + _MINUTE - 1) / _MINUTE).alias("minutes_ago")


def _by_job(newest: Any) -> Any:
    """The figures of these runs by job, minute, and the account they were made for: their job may have moved since."""
    count, of_each = peewee.fn.COUNT(peewee.SQL("*")), newest.c
    failed = peewee.fn.COUNT(peewee.Case(None, [(of_each.status == RunStatus.FAILED.value, 1)]))
    figures = (count.alias("runs"), failed.alias("failed"), peewee.fn.SUM(of_each.attempt_count).alias("attempts"))
    of_whom = (of_each.job_id, of_each.account_id, of_each.minutes_ago)
    query: Any = peewee.Select((newest,), (*of_whom, *figures))
    query = query.where(of_each.status.not_in([one.value for one in NEVER_FIRED]))
    return query.group_by(*of_whom).alias("by_job")


def held(wanted: JobFilter, app_ids: Collection[UUID] | None, limit: int) -> list[HeldAccount]:
    """Returns accounts whose own limits hold runs, up to a limit: of these apps (None: of all), and of a filter's."""
    beginning = peewee.Value(ACCOUNT).concat(App.name).concat(_SLASH)
    account = peewee.fn.SUBSTR(HeldKey.key, peewee.fn.LENGTH(beginning) + 1)
    query: Any = HeldKey.select(App.name, account, HeldKey.key, HeldKey.held_by, HeldKey.until)
    query = query.join(App, on=App.id == HeldKey.app_id)
    query = query.where(peewee.fn.SUBSTR(HeldKey.key, 1, peewee.fn.LENGTH(beginning)) == beginning)
    if app_ids is not None:
        query = query.where(HeldKey.app_id.in_(sorted(app_ids)))
    if wanted.app_name is not None:
        query = query.where(HeldKey.app_id == apps.id_of(wanted.app_name))
    own = None if wanted.visible is None else wanted.visible.account_id
    for one in (wanted.account_id, own):
        query = query if one is None else query.where(account == one)
    return [HeldAccount(*row) for row in query.order_by(HeldKey.until).limit(limit).tuples()]
