"""The processes that execute runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.errors import NotFound
from core.principals import Principal
from core.workers import WorkerStatus, worker_status
from models import database, workers
from models.tables import Worker
from services.reading.views import view_of
from services.system import System

MAX_SHOWN = 1_000


@dataclass(frozen=True)
class WorkerView:
    """A worker process as it is shown; `running` is how many runs it holds now. Of old ones no `version` is known.

    `draining_at` is since when it is to take no more runs.
    """

    id: UUID
    host: str
    pid: int
    threads: int
    version: str | None
    started_at: datetime
    heartbeat_at: datetime
    status: WorkerStatus
    draining_at: datetime | None
    running: int


def known(principal: Principal, system: System) -> list[WorkerView]:
    """Returns the workers seen in the last day, newest first. Raises `Forbidden` unless for administrators."""
    principal.expect_administration()
    with database.reading():
        found, running = workers.newest(MAX_SHOWN), workers.running()
    return [_view(system, one, running) for one in found]


def shown(system: System, worker_id: UUID) -> WorkerView:
    """Returns the worker of this id, in the caller's transaction. Raises `NotFound`."""
    found = workers.by_id(worker_id)
    if found is None:
        raise NotFound("worker", worker_id)
    return _view(system, found, workers.running())


def _view(system: System, one: Worker, running: Mapping[UUID, int]) -> WorkerView:
    now, lease_seconds = system.clock.now(), system.settings.lease_seconds
    status = worker_status(one.heartbeat_at, one.stopped_at, now, lease_seconds, one.draining_at)
    return view_of(WorkerView, one, status=status, running=running.get(one.id, 0))
