"""The query for a job's calendar: how its runs of a span of time went, by quarter of an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.states import DEAD, RunStatus
from models.database import is_sqlite
from models.tables import Run

BUCKET_SECONDS = 900
"""Zones differ by whole quarters of an hour, so a quarter lies within one day of any of them."""


class Bucket(NamedTuple):
    """How many occurrences of a quarter of an hour ended in one status."""

    at: datetime
    status: RunStatus
    occurrences: int


class Ended(NamedTuple):
    """How occurrences went; `known_from` is the instant before which runs were left unread, None if none was."""

    buckets: list[Bucket]
    known_from: datetime | None


def ended(job_id: UUID, since: datetime, most: int) -> Ended:
    """Returns how a job's occurrences since an instant went, over its newest so many runs of any age.

    Of a run that another replayed, only the replay counts.
    """
    counted = peewee.Case(None, ((Run.finished_at.is_null() | _was_replayed(), 0),), Run.occurrences).alias("counted")
    is_old = peewee.Case(None, ((Run.scheduled_for < since, 1),), 0).alias("is_old")
    newest = Run.select(Run.scheduled_for, Run.status, counted, is_old).where(Run.job == job_id)
    some: Any = newest.order_by(Run.id.desc()).limit(most).alias("some")
    number = peewee.Case(None, ((some.c.is_old == 1, None),), _bucket(some.c.scheduled_for))
    sums = (peewee.fn.SUM(some.c.counted), peewee.fn.COUNT(peewee.SQL("*")))
    query: Any = Run.select(number.alias("number"), some.c.status, *sums).from_(some)
    rows = list(query.group_by(number, some.c.status).tuples())
    found = [(_instant(number), status, int(count)) for number, status, count, _ in rows if number is not None]
    is_cut = sum(read for *_, read in rows) >= most and len(found) == len(rows)
    known_from = min(at for at, *_ in found) + timedelta(seconds=BUCKET_SECONDS) if is_cut else None
    return Ended([Bucket(at, RunStatus(status), count) for at, status, count in found if count], known_from)


def _was_replayed() -> Any:
    """Returns the condition under which a replay of a dead run has ended."""
    repeat = Run.alias()
    over = repeat.select(peewee.SQL("1")).where(repeat.retry_of == Run.id, repeat.finished_at.is_null(False))
    return Run.status.in_(DEAD) & peewee.fn.EXISTS(over)


def _instant(number: Any) -> datetime:
    return datetime.fromtimestamp(int(number) * BUCKET_SECONDS, UTC)


def _bucket(instant: Any) -> Any:
    """Returns the number of an instant's quarter of an hour, counted from 1970."""
    if is_sqlite():
        return peewee.fn.STRFTIME("%s", instant).cast("INTEGER") / BUCKET_SECONDS
    return peewee.fn.FLOOR(peewee.fn.DATE_PART("epoch", instant) / BUCKET_SECONDS)
