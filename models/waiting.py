"""Queries for due runs that wait, by the reason for which they wait, and for those that run meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee

from core.filters import JobFilter
from core.states import Hold, RunStatus
from models import filtering
from models.tables import App, Job, Run, db

# Exactly the condition of the partial index `runs_leased`.
_RUNNING = peewee.SQL("status = 'running'")


@dataclass(frozen=True)
class Wait:
    """The number of runs that wait in one queue, for one account of one app, for one reason."""

    app_name: str
    account_id: str
    queue: str
    held_by: Hold | None
    held_key: str | None
    count: int
    oldest_due_at: datetime
    held_until: datetime | None


def grouped(wanted: JobFilter, most: int) -> list[Wait]:
    """Returns the waiting runs of matching jobs, counted over a bounded number of runs, the largest groups first."""
    query: Any = Run.select(Run.id).join(Job).join(App).where(filtering.LIVE, Run.status == RunStatus.QUEUED)
    some = filtering.runs_of_jobs(query, wanted).limit(most)
    count = peewee.fn.COUNT(Run.id)
    columns = (App.name, Run.account_id, Run.queue, Run.held_by, Run.held_key)
    found: Any = (
        Run.select(*columns, count, peewee.fn.MIN(Run.due_at), peewee.fn.MIN(Run.held_until))
        .join(Job)
        .join(App)
        .where(Run.id.in_(some))
        .group_by(*columns)
        .order_by(count.desc())
    )
    return [Wait(*row) for row in found.tuples()]


def running(wanted: JobFilter, most: int) -> dict[tuple[str, str], int]:
    """Returns how many matching runs are under way for each account of each app; counts no further than `most`."""
    query: Any = Run.select(App.name.alias("app_name"), Run.account_id).join(Job).join(App).where(_RUNNING)
    some = filtering.runs_of_jobs(query, wanted).limit(most).alias("some")
    of_whom = (some.c.app_name, some.c.account_id)
    found: Any = peewee.Select((some,), (*of_whom, peewee.fn.COUNT(peewee.SQL("*")))).group_by(*of_whom)
    return {(app_name, account_id): count for app_name, account_id, count in found.tuples().execute(db)}


def are_more_than(most: int) -> bool:
    """Whether more runs wait than this, whosever they are: to find those of one caller, all may have to be read."""
    query: Any = Run.select(Run.id).where(filtering.LIVE, Run.status == RunStatus.QUEUED)
    return query.offset(most).limit(1).first() is not None
