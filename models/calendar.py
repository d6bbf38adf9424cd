"""The query for a job's calendar: the outcomes of its runs in a span of time, by quarter of an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.states import DEAD, RunStatus
from models import periods
from models.tables import Run

BUCKET_SECONDS = 900
"""Zones differ by whole quarters of an hour, so a quarter lies within one day of any of them."""


_SCHEDULED_FOR: Any = Run.scheduled_for
_IS_GAP: Any = (Run.status == RunStatus.MISSED) & (Run.occurrences > 1)
_GAPS: Any = peewee.Case(None, ((_IS_GAP, 1),), 0).alias("gaps")


class Bucket(NamedTuple):
    """How many occurrences of a quarter of an hour ended in one status."""

    at: datetime
    status: RunStatus
    occurrences: int


class Gap(NamedTuple):
    """A row that stands for a number of missed occurrences, and the instant of the first of them."""

    at: datetime
    occurrences: int


class Ended(NamedTuple):
    """The outcomes of occurrences; runs before `known_from` were not read (None: all were).

    The occurrences of gaps are left out; `has_gaps` says whether there are any.
    """

    buckets: list[Bucket]
    known_from: datetime | None
    has_gaps: bool


def ended(job_id: UUID, since: datetime, most: int, account_id: str | None) -> Ended:
    """Returns the outcomes of a job's occurrences since an instant, among a bounded number of its newest runs.

    If a run was replayed, only the replay counts. If an account is given, only runs that were made for it count.
    """
    uncounted = Run.finished_at.is_null() | _was_replayed() | _undoes_nothing() | _IS_GAP
    counted = peewee.Case(None, ((uncounted, 0),), 1).alias("counted")
    is_old = peewee.Case(None, ((Run.scheduled_for < since, 1),), 0).alias("is_old")
    newest = _newest(Run.select(Run.scheduled_for, Run.status, counted, is_old, _GAPS), job_id, most, account_id)
    some: Any = newest.alias("some")
    number = peewee.Case(None, ((some.c.is_old == 1, None),), periods.number(some.c.scheduled_for, BUCKET_SECONDS))
    sums = (peewee.fn.SUM(some.c.counted), peewee.fn.COUNT(peewee.SQL("*")), peewee.fn.SUM(some.c.gaps))
    query: Any = Run.select(number.alias("number"), some.c.status, *sums).from_(some)
    rows = list(query.group_by(number, some.c.status).tuples())
    found = [(_instant(number), status, int(count)) for number, status, count, *_ in rows if number is not None]
    is_cut = sum(read for *_, read, _gaps in rows) >= most and len(found) == len(rows)
    known_from = min(at for at, *_ in found) + timedelta(seconds=BUCKET_SECONDS) if is_cut else None
    buckets = [Bucket(at, RunStatus(status), count) for at, status, count in found if count]
    return Ended(buckets, known_from, has_gaps=any(number_of_gaps for *_, number_of_gaps in rows))


def gaps(job_id: UUID, most: int, account_id: str | None) -> list[Gap]:
    """Returns the gaps among a bounded number of a job's newest runs, as `ended`, the newest first."""
    some: Any = _newest(Run.select(Run.scheduled_for, Run.occurrences, _GAPS), job_id, most, account_id).alias("some")
    query: Any = Run.select(some.c.scheduled_for, some.c.occurrences).from_(some).where(some.c.gaps == 1)
    found = query.order_by(some.c.scheduled_for.desc()).tuples()
    return [Gap(_SCHEDULED_FOR.python_value(at), occurrences) for at, occurrences in found]


def _newest(query: Any, job_id: UUID, most: int, account_id: str | None) -> Any:
    query = query.where(Run.job == job_id)
    query = query if account_id is None else query.where(Run.account_id == account_id)
    return query.order_by(Run.id.desc()).limit(most)


def _was_replayed() -> Any:
    """Returns the condition under which a replay of a run has ended, which counts in its place."""
    repeat = Run.alias()
    over = repeat.select(peewee.SQL("1")).where(repeat.retry_of == Run.id, repeat.finished_at.is_null(False))
    has_run = over.where(repeat.status.in_((RunStatus.COMPLETED, RunStatus.FAILED)))
    is_completed = Run.status == RunStatus.COMPLETED
    return (Run.status.in_(DEAD) & peewee.fn.EXISTS(over)) | (is_completed & peewee.fn.EXISTS(has_run))


def _undoes_nothing() -> Any:
    """Returns the condition under which a run is the cancelled replay of one that completed, which still counts."""
    former = Run.alias()
    completed = former.select(peewee.SQL("1")).where(former.id == Run.retry_of, former.status == RunStatus.COMPLETED)
    return (Run.status == RunStatus.CANCELLED) & peewee.fn.EXISTS(completed)


def _instant(number: Any) -> datetime:
    return datetime.fromtimestamp(int(number) * BUCKET_SECONDS, UTC)
