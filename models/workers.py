"""Queries on workers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from models.database import for_update
from models.tables import Run, Worker


def register(worker_id: UUID, now: datetime, **about: Any) -> None:
    """Record that a worker has started: on which host, as which process, with how many threads, in which version."""
    Worker.insert(id=worker_id, started_at=now, heartbeat_at=now, **about).execute()


def heartbeat(worker_id: UUID, now: datetime) -> bool:
    """Record that a worker is alive. Returns whether it must take no more runs."""
    beat = Worker.update(heartbeat_at=now).where(Worker.id == worker_id).returning(Worker.draining_at)
    return any(row.draining_at is not None for row in beat.execute())


def lock(worker_id: UUID) -> Worker | None:
    """Lock the worker of this id. Returns it."""
    found = list(for_update(Worker.select().where(Worker.id == worker_id)))
    return found[0] if found else None


def set_draining(worker_id: UUID, since: datetime | None) -> None:
    """Record that a worker must take no more runs or, with None, that it may take runs."""
    Worker.update(draining_at=since).where(Worker.id == worker_id).execute()


def stop(worker_id: UUID, now: datetime) -> None:
    """Record that a worker has stopped."""
    Worker.update(stopped_at=now).where(Worker.id == worker_id).execute()


def by_id(worker_id: UUID) -> Worker | None:
    """Returns the worker of this id."""
    worker: Worker | None = Worker.get_or_none(Worker.id == worker_id)
    return worker


def newest(limit: int) -> list[Worker]:
    """Returns the workers that are known, the last started first."""
    return list(Worker.select().order_by(Worker.started_at.desc(), Worker.id).limit(limit))


def running() -> dict[UUID, int]:
    """Returns how many runs each worker executes; a run that waits for a report takes no thread."""
    at_work = (peewee.SQL("status = 'running'"), Run.reports_until.is_null())
    query: Any = Run.select(Run.worker_id, peewee.fn.COUNT(Run.id)).where(*at_work)
    return dict(query.group_by(Run.worker_id).tuples())


def prune(silent_since: datetime) -> int:
    """Delete workers not seen since an instant. Returns how many."""
    return int(Worker.delete().where(Worker.heartbeat_at < silent_since).execute())
