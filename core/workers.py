"""The status of a worker process."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum


class WorkerStatus(StrEnum):
    """The statuses of a worker process."""

    ALIVE = "alive"
    DRAINING = "draining"  # alive, finishes its runs, and takes no more
    SILENT = "silent"
    STOPPED = "stopped"


def worker_status(
    heartbeat_at: datetime,
    stopped_at: datetime | None,
    now: datetime,
    lease_seconds: float,
    draining_at: datetime | None = None,
) -> WorkerStatus:
    """Returns a worker's status: without a heartbeat for a lease it is silent, and has lost its runs."""
    if stopped_at is not None:
        return WorkerStatus.STOPPED
    if heartbeat_at < now - timedelta(seconds=lease_seconds):
        return WorkerStatus.SILENT
    return WorkerStatus.ALIVE if draining_at is None else WorkerStatus.DRAINING
