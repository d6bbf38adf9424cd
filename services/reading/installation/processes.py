"""The processes of an installation: those that execute runs, and the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.principals import Principal
from core.processes import ProcessKind
from core.signs_of_life import OLDEST_BEAT_SECONDS
from core.workers import WorkerStatus, worker_status
from models import database, processes
from models.tables import Process
from services.reading.views import view_of
from services.system import System

MAX_SHOWN = 1_000


@dataclass(frozen=True)
class ProcessView:
    """A process that executes no runs, as it is shown. `seen_at` is when it last gave a sign of life."""

    id: UUID
    kind: ProcessKind
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    status: WorkerStatus


def known(principal: Principal, system: System) -> list[ProcessView]:
    """Returns the processes seen in the last day, newest first. Raises `Forbidden` unless for administrators."""
    principal.expect_administration()
    with database.reading():
        return seen(system)


def seen(system: System) -> list[ProcessView]:
    """Returns the processes seen in the last day, newest first, in the caller's transaction."""
    return [view_of(ProcessView, one, status=_status(system, one)) for one in processes.newest(MAX_SHOWN)]


def _status(system: System, one: Process) -> WorkerStatus:
    is_periodic = one.kind is ProcessKind.PERIODIC  # which gives a sign of life once a minute
    silent_seconds = OLDEST_BEAT_SECONDS if is_periodic else system.settings.lease_seconds
    return worker_status(one.seen_at, one.stopped_at, system.clock.now(), silent_seconds)
