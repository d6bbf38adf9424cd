"""Queries on runs that are repeated: retried, replayed, or backfilled."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.states import RunStatus, Trigger
from models.set_based import chunks
from models.tables import Job, Run

_ENDED = (RunStatus.FAILED, RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.MISSED)


def last_failed(job: Job, account_id: str | None) -> Run | None:
    """Returns the run of a locked job that failed last; if none failed, the last that ended.

    If an account is given, only runs that were made for it are considered.
    """
    query = Run.select().where(Run.job == job.id, Run.status.in_(_ENDED))
    query = query if account_id is None else query.where(Run.account_id == account_id)
    last: Run | None = query.order_by(
        (Run.status == RunStatus.FAILED).desc(), Run.finished_at.desc(), Run.id.desc()
    ).first()
    return last


def going_on(run_ids: Collection[UUID]) -> set[UUID]:
    """Returns which of these runs are being repeated by a run that is not over."""
    query = Run.select(Run.retry_of).where(Run.retry_of.in_(list(run_ids)), Run.finished_at.is_null())
    return {run.retry_of for run in query if run.retry_of is not None}


def among(run_ids: Collection[UUID]) -> set[UUID]:
    """Returns which of these runs replay another."""
    query: Any = Run.select(Run.id).where(Run.id.in_(list(run_ids)), Run.retry_of.is_null(False))
    return {run_id for (run_id,) in query.tuples()}


def of_completed(run_ids: Collection[UUID]) -> set[UUID]:
    """Returns which of these runs replay one that completed."""
    former = Run.alias()
    query: Any = Run.select(Run.id).join(former, on=(former.id == Run.retry_of))
    query = query.where(Run.id.in_(list(run_ids)), former.status == RunStatus.COMPLETED)
    return {run_id for (run_id,) in query.tuples()}


class Replay(NamedTuple):
    """A run that replays another, `of`."""

    of: UUID
    id: UUID
    status: RunStatus
    account_id: str
    created_at: datetime
    finished_at: datetime | None


def replays_of(run_ids: Collection[UUID]) -> list[Replay]:
    """Returns the runs that replay these, oldest first."""
    found: list[Replay] = []
    for chunk in chunks(run_ids):
        query: Any = Run.select(Run.retry_of, Run.id, Run.status, Run.account_id, Run.created_at, Run.finished_at)
        found += [Replay(*row) for row in query.where(Run.retry_of.in_(chunk)).order_by(Run.id).tuples()]
    return found


def of_span(job: Job, start: datetime, end: datetime) -> list[Run]:
    """Returns a job's runs for occurrences from `start` to before `end`: the schedule's own, backfills, repeats."""
    query = Run.select(Run.id, Run.trigger, Run.status, Run.scheduled_for).where(
        Run.job == job.id,
        Run.trigger.in_((Trigger.SCHEDULE, Trigger.BACKFILL, Trigger.RETRY)),
        Run.scheduled_for >= start,
        Run.scheduled_for < end,
    )
    return list(query)
