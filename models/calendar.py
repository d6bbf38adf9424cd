"""The query for a job's calendar: how its runs of a span of time went, by quarter of an hour."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.states import RunStatus
from models.database import is_sqlite
from models.tables import Run

BUCKET_SECONDS = 900
"""Zones differ by whole quarters of an hour, so a quarter lies within one day of any of them."""


class Bucket(NamedTuple):
    """So many occurrences of a quarter of an hour that went alike."""

    at: datetime
    status: RunStatus
    occurrences: int


def ended(job_id: UUID, since: datetime, most: int) -> list[Bucket]:
    """Returns how a job's newest ended runs went whose instants are since one, over at most so many runs."""
    newest = Run.select(Run.scheduled_for, Run.status, Run.occurrences).where(
        Run.job == job_id, Run.scheduled_for >= since, Run.finished_at.is_null(False)
    )
    some: Any = newest.order_by(Run.id.desc()).limit(most).alias("some")
    number = _bucket(some.c.scheduled_for)
    query: Any = Run.select(number.alias("number"), some.c.status, peewee.fn.SUM(some.c.occurrences)).from_(some)
    rows = query.group_by(number, some.c.status).tuples()
    return [
        Bucket(datetime.fromtimestamp(int(number) * BUCKET_SECONDS, UTC), RunStatus(status), int(count))
        for number, status, count in rows
    ]


def _bucket(instant: Any) -> Any:
    """Returns the number of an instant's quarter of an hour, counted from 1970."""
    if is_sqlite():
        return peewee.fn.STRFTIME("%s", instant).cast("INTEGER") / BUCKET_SECONDS
    return peewee.fn.FLOOR(peewee.fn.DATE_PART("epoch", instant) / BUCKET_SECONDS)
