"""The processes that execute runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.principals import Principal
from core.workers import WorkerStatus, worker_status
from models import database, workers
from services.reading.views import view_of
from services.system import System

MOST_SHOWN = 1_000


@dataclass(frozen=True)
class WorkerView:
    """A worker process as it is shown; `running` is how many runs it holds now. Of old ones no `version` is known."""

    id: UUID
    host: str
    pid: int
    threads: int
    version: str | None
    started_at: datetime
    heartbeat_at: datetime
    status: WorkerStatus
    running: int


def known(principal: Principal, system: System) -> list[WorkerView]:
    """Returns the workers seen in the last day, newest first. Raises `Forbidden` unless for administrators."""
    principal.expect_administration()
    now, lease_seconds = system.clock.now(), system.settings.lease_seconds
    with database.reading():
        found, running = workers.newest(MOST_SHOWN), workers.running()
    return [
        view_of(
            WorkerView,
            one,
            status=worker_status(one.heartbeat_at, one.stopped_at, now, lease_seconds),
            running=running.get(one.id, 0),
        )
        for one in found
    ]
