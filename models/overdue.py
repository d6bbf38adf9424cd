"""Queries on due runs that wait long: for a higher priority, past their deadline, or late."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.priority import HIGHEST_PRIORITY
from models import changes, runs
from models.database import for_update
from models.tables import Run

# Exactly the conditions of the indexes.
_MAY_RISE = peewee.SQL("status = 'queued' AND priority < 9")
_MAY_BE_LATE = peewee.SQL(
    "status = 'queued' AND held_by IS NULL AND attempt_count = 0 AND late_at IS NULL AND NOT was_held"
)
_DEADLINE_AHEAD = peewee.SQL("deadline_at IS NOT NULL AND deadline_missed_at IS NULL AND finished_at IS NULL")


def to_age(waiting_since: datetime, limit: int) -> list[Run]:
    """Lock due runs that were last aged by this instant, longest ago first. Returns those that were not locked."""
    query = Run.select(Run.id, Run.priority).where(_MAY_RISE, Run.aged_at <= waiting_since)
    return list(for_update(query.order_by(Run.aged_at).limit(limit), skip_locked=True))


def age(aged: Iterable[Run], now: datetime) -> None:
    """Raise the priority of these locked runs by a step."""
    steps: dict[int, list[UUID]] = {}
    for run in aged:
        steps.setdefault(run.priority, []).append(run.id)
    for priority, run_ids in steps.items():
        Run.update(priority=min(priority + 1, HIGHEST_PRIORITY), aged_at=now).where(Run.id.in_(run_ids)).execute()
        changes.note(runs=run_ids)


def past_deadline(now: datetime, limit: int, without: Collection[UUID] = ()) -> list[UUID]:
    """Returns runs that are not over and whose deadline has passed without that being recorded yet.

    Runs of the jobs in `without` are left out.
    """
    query = Run.select(Run.id).where(_DEADLINE_AHEAD, Run.deadline_at < now).order_by(Run.deadline_at).limit(limit)
    return [run.id for run in runs.of_jobs_other_than(query, without)]


def lock_past_deadline(run_ids: Collection[UUID], now: datetime) -> list[Run]:
    """Lock those of these runs that are still past their deadline, in the order of their ids; their jobs are locked."""
    query = Run.select().where(Run.id.in_(list(run_ids)), _DEADLINE_AHEAD, Run.deadline_at < now).order_by(Run.id)
    return list(for_update(query))


def record_missed(run_ids: Collection[UUID], now: datetime, **ended: Any) -> None:
    """Record that the deadline of these locked runs has passed."""
    if run_ids:
        Run.update(deadline_missed_at=now, **ended).where(Run.id.in_(list(run_ids))).execute()
        changes.note(runs=run_ids)


def late(due_before: datetime, limit: int, without: Collection[UUID] = ()) -> list[UUID]:
    """Returns runs due before an instant that have not begun, were never held, and are not noted as late.

    Runs of the jobs in `without` are left out.
    """
    query = Run.select(Run.id).where(_MAY_BE_LATE, Run.due_at < due_before).order_by(Run.due_at).limit(limit)
    return [run.id for run in runs.of_jobs_other_than(query, without)]


def lock_late(run_ids: Collection[UUID]) -> list[Run]:
    """Lock those of these runs that are still late, in the order of their ids; their jobs are locked."""
    return list(for_update(Run.select().where(Run.id.in_(list(run_ids)), _MAY_BE_LATE).order_by(Run.id)))


def record_late(run_ids: Collection[UUID], now: datetime) -> None:
    """Note that these locked runs are late."""
    Run.update(late_at=now).where(Run.id.in_(list(run_ids))).execute()
