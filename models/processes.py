"""Queries on the processes that execute no runs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.processes import ProcessIdentity
from models.tables import Process


def see(process: ProcessIdentity, now: datetime, seen_at: datetime | None = None) -> None:
    """Record that a process is alive, which may be new, or unknown since the database was restored.

    Or that it was alive at an earlier instant, unless it was seen again since.
    """
    at = seen_at or now
    row = {name: getattr(process, name) for name in ("id", "kind", "host", "pid", "version", "started_at")}
    was_before = (Process.seen_at <= at) | (Process.seen_at > now)  # as in `signals.mark`
    Process.insert(seen_at=at, **row).on_conflict(
        conflict_target=[Process.id], update={Process.seen_at: at, Process.stopped_at: None}, where=was_before
    ).execute()


def stop(process_id: UUID, now: datetime) -> None:
    """Record that a process has stopped."""
    Process.update(stopped_at=now).where(Process.id == process_id).execute()


def newest(limit: int) -> list[Process]:
    """Returns the known processes, the last started first."""
    return list(Process.select().order_by(Process.started_at.desc(), Process.id).limit(limit))


def prune(silent_since: datetime) -> int:
    """Delete processes not seen since an instant. Returns how many."""
    return int(Process.delete().where(Process.seen_at < silent_since).execute())
