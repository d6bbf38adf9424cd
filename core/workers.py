"""What a worker process shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum


class WorkerStatus(StrEnum):
    """Whether a worker process is there."""

    ALIVE = "alive"
    SILENT = "silent"
    STOPPED = "stopped"


def shown_status(
    heartbeat_at: datetime, stopped_at: datetime | None, now: datetime, lease_seconds: float
) -> WorkerStatus:
    """What a worker shows: one that has not been heard of for a lease is silent, and has lost what it ran."""
    if stopped_at is not None:
        return WorkerStatus.STOPPED
    silent = heartbeat_at < now - timedelta(seconds=lease_seconds)
    return WorkerStatus.SILENT if silent else WorkerStatus.ALIVE
