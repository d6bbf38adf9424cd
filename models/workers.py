"""Queries on workers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from models.tables import Run, Worker


def register(worker_id: UUID, now: datetime, **about: Any) -> None:
    """Record that a worker has started: on which host, as which process, with how many threads, in which version."""
    Worker.insert(id=worker_id, started_at=now, heartbeat_at=now, **about).execute()


def heartbeat(worker_id: UUID, now: datetime) -> None:
    """Record that a worker lives."""
    Worker.update(heartbeat_at=now).where(Worker.id == worker_id).execute()


def stop(worker_id: UUID, now: datetime) -> None:
    """Record that a worker has stopped."""
    Worker.update(stopped_at=now).where(Worker.id == worker_id).execute()


def newest(limit: int) -> list[Worker]:
    """Returns the workers that are known, the last started first."""
    return list(Worker.select().order_by(Worker.started_at.desc(), Worker.id).limit(limit))


def running() -> dict[UUID, int]:
    """Returns how many runs each worker is at; one that waits for a report takes none of its threads."""
    at_work = (peewee.SQL("status = 'running'"), Run.reports_until.is_null())
    query: Any = Run.select(Run.worker_id, peewee.fn.COUNT(Run.id)).where(*at_work)
    return dict(query.group_by(Run.worker_id).tuples())


def prune(silent_since: datetime) -> int:
    """Delete workers not heard of since an instant; how many."""
    return int(Worker.delete().where(Worker.heartbeat_at < silent_since).execute())
