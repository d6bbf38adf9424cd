"""Queries for what each account used: the runs that ended since an instant, and the limits that hold its runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.limit_keys import ACCOUNT
from core.states import NEVER_FIRED, Hold, RunStatus
from models import apps, filtering
from models.tables import App, HeldKey, Job, Run

_SLASH = "/"


class Ended(NamedTuple):
    """How many runs of an account of an app have ended, how many of these failed, and how many attempts they took."""

    app_name: str
    account_id: str
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


def ended(wanted: JobFilter, since: datetime, most: int) -> list[Ended]:
    """Returns the accounts for which runs of matching jobs ended since an instant: of the newest `most` ended runs.

    Runs that were skipped or missed are left out. The runs are read in the order of their
    index, which SQLite would not choose otherwise, and counted by job before the jobs are read: most have many.
    """
    columns = (Run.job.alias("job_id"), Run.account_id, Run.status, Run.attempt_count)
    newest: Any = Run.select(*columns).where(Run.finished_at >= since).order_by(Run.finished_at.desc())
    newest = newest.limit(most).alias("newest")
    by_job = _by_job(newest, wanted)
    account = by_job.c.account_id
    sums = [peewee.fn.SUM(one).cast("BIGINT") for one in (by_job.c.runs, by_job.c.failed, by_job.c.attempts)]
    query: Any = Job.select(App.name, account, *sums).join(App).join(by_job, on=by_job.c.job_id == Job.id)
    query = filtering.jobs(query, replace(wanted, account_id=None))
    return [Ended(*row) for row in query.group_by(App.name, account).tuples()]


def _by_job(newest: Any, wanted: JobFilter) -> Any:
    """The figures of these runs by job and the account that each was made for: its job may have moved since."""
    count, of_each = peewee.fn.COUNT(peewee.SQL("*")), newest.c
    failed = peewee.fn.COUNT(peewee.Case(None, [(of_each.status == RunStatus.FAILED.value, 1)]))
    figures = (count.alias("runs"), failed.alias("failed"), peewee.fn.SUM(of_each.attempt_count).alias("attempts"))
    own = None if wanted.visible is None else wanted.visible.account_id
    accounts = [of_each.account_id == one for one in (wanted.account_id, own) if one is not None]
    query: Any = peewee.Select((newest,), (of_each.job_id, of_each.account_id, *figures))
    query = query.where(of_each.status.not_in([one.value for one in NEVER_FIRED]), *accounts)
    return query.group_by(of_each.job_id, of_each.account_id).alias("by_job")


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
