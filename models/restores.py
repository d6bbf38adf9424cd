"""Queries on runs that are held since the database was taken back, and on their apps."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.states import KEYED_HOLDS, Hold, RunStatus
from models import changes, run_holds
from models.database import for_update
from models.tables import App, Job, Run

_HELD = (Run.status == RunStatus.QUEUED) & (Run.held_by == Hold.RESTORED)
_CLAIMABLE = (Run.status == RunStatus.QUEUED) & (Run.held_by.is_null() | Run.held_by.in_(KEYED_HOLDS))
_BEGUN = Run.attempt_count > 0


@dataclass(frozen=True)
class HeldApp:
    """The held runs of an app: those that had begun, whose receivers were called, and the others."""

    app_id: UUID
    app_name: str
    begun: int
    not_begun: int
    oldest_due_at: datetime | None
    newest_due_at: datetime | None


def hold_apps(now: datetime) -> int:
    """Hold every app. Returns how many runs are left to `hold`."""
    App.update(restored_at=now).execute()
    changes.note(apps=[changes.EVERY_APP])
    return int(Run.select().where(_CLAIMABLE).count())


def to_hold(limit: int) -> list[tuple[UUID, UUID]]:
    """Returns runs of held apps that a worker could claim now, or as soon as a limit lets it, each with its job."""
    query: Any = Run.select(Run.id, Run.job).join(Job).join(App).where(_CLAIMABLE, App.restored_at.is_null(False))
    return list(query.limit(limit).tuples())


def left_to_hold(run_ids: Collection[UUID]) -> set[UUID]:
    """Returns those of these runs that are still claimable; locks nothing."""
    query: Any = Run.select(Run.id, Run.status, Run.held_by).where(Run.id.in_(list(run_ids))).tuples()
    return {run_id for run_id, status, held_by in query if _is_claimable(status, held_by)}


def hold(run_ids: Collection[UUID], now: datetime) -> None:
    """Hold those of these runs of locked jobs that are still claimable.

    They are looked up by their ids only: a database that was just restored has no statistics, and would scan all
    claimable runs each time.
    """
    locked = for_update(Run.select(Run.id, Run.status, Run.held_by).where(Run.id.in_(run_ids)).order_by(Run.id))
    due = [run.id for run in locked if _is_claimable(run.status, run.held_by)]
    Run.update(held_by=Hold.RESTORED, held_key=None, held_until=None).where(Run.id.in_(due)).execute()
    run_holds.change(due, now)
    changes.note(runs=due)


def _is_claimable(status: RunStatus, held_by: Hold | None) -> bool:
    return status == RunStatus.QUEUED and held_by in {None, *KEYED_HOLDS}


def held_apps() -> list[HeldApp]:
    """Returns the held apps, by name, with the number of their held runs."""
    begun, count = peewee.fn.SUM(peewee.Case(None, [(_BEGUN, 1)], 0)), peewee.fn.COUNT(Run.id)
    query: Any = (
        App.select(App.id, App.name, begun, count, peewee.fn.MIN(Run.due_at), peewee.fn.MAX(Run.due_at))
        .join(Job, peewee.JOIN.LEFT_OUTER)
        .join(Run, peewee.JOIN.LEFT_OUTER, on=(Run.job == Job.id) & _HELD)
        .where(App.restored_at.is_null(False))
        .group_by(App.id, App.name)
        .order_by(App.name)
    )
    return [
        HeldApp(app_id, name, with_attempts, runs_held - with_attempts, _instant(oldest), _instant(newest))
        for app_id, name, with_attempts, runs_held, oldest, newest in query.tuples()
    ]


def first_held(app_id: UUID | None, *, begun: bool | None, limit: int) -> list[tuple[UUID, UUID]]:
    """Returns the runs of an app (or of all) that are held, longest due first, each with its job.

    `begun` selects only runs that had begun, or only runs that had not.
    """
    query = Run.select(Run.id, Run.job).join(Job).where(_HELD)
    if app_id is not None:
        query = query.where(Job.app == app_id)
    if begun is not None:
        query = query.where(_BEGUN if begun else ~_BEGUN)
    found: Any = query.order_by(Run.due_at, Run.id).limit(limit).tuples()
    return list(found)


def left_behind(limit: int) -> list[tuple[UUID, UUID]]:
    """Returns runs that are still held although their apps are not, each with its job."""
    query: Any = Run.select(Run.id, Run.job).join(Job).join(App).where(_HELD, App.restored_at.is_null())
    return list(query.order_by(Run.due_at, Run.id).limit(limit).tuples())


def lock_held(run_ids: Collection[UUID]) -> list[Run]:
    """Lock those of these runs of locked jobs that are held. Returns them."""
    return list(for_update(Run.select().where(Run.id.in_(list(run_ids)), _HELD).order_by(Run.id)))


def release(locked: Collection[Run], held_by: Hold | None, now: datetime) -> None:
    """Release these locked runs; a pause may still hold them."""
    for run in locked:
        run.held_by = held_by
    Run.update(held_by=held_by, was_held=True).where(Run.id.in_([run.id for run in locked])).execute()
    run_holds.release([run.id for run in locked], held_by, now)
    changes.note(runs=(run.id for run in locked))


def release_apps(app_id: UUID | None) -> None:
    """End the hold of an app, or of all; `release` releases its runs."""
    held = App.update(restored_at=None).where(App.restored_at.is_null(False))
    (held if app_id is None else held.where(App.id == app_id)).execute()
    changes.note(apps=[app_id or changes.EVERY_APP])


def _instant(value: Any) -> datetime | None:
    found: datetime | None = Run.due_at.python_value(value)
    return found
