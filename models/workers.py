"""Queries on workers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from models.tables import Worker


def register(worker_id: UUID, host: str, pid: int, threads: int, now: datetime) -> None:
    """Record that a worker has started."""
    Worker.insert(id=worker_id, host=host, pid=pid, threads=threads, started_at=now, heartbeat_at=now).execute()


def heartbeat(worker_id: UUID, now: datetime) -> None:
    """Record that a worker lives."""
    Worker.update(heartbeat_at=now).where(Worker.id == worker_id).execute()


def stop(worker_id: UUID, now: datetime) -> None:
    """Record that a worker has stopped."""
    Worker.update(stopped_at=now).where(Worker.id == worker_id).execute()


def prune(silent_since: datetime) -> int:
    """Delete workers not heard of since an instant; how many."""
    return int(Worker.delete().where(Worker.heartbeat_at < silent_since).execute())
