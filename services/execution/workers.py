"""Register the processes that execute runs while they live, and renew their leases by heartbeats."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from core.version import VERSION
from models import claims, workers
from models.fields import new_id
from models.pauses import Gate
from services.system import System


@dataclass(frozen=True)
class WorkerIdentity:
    """A process that executes runs."""

    id: UUID
    threads: int


def register(system: System) -> WorkerIdentity:
    """Record that this process now executes runs."""
    worker = WorkerIdentity(new_id(), system.settings.worker_threads)
    with system.transaction(Gate.UNUSED):
        workers.register(
            worker.id,
            system.clock.now(),
            host=socket.gethostname(),
            pid=os.getpid(),
            threads=worker.threads,
            version=VERSION,
        )
    return worker


def sign_off(system: System, worker: WorkerIdentity) -> None:
    """Record that this process executes no more runs."""
    with system.transaction(Gate.UNUSED):
        workers.stop(worker.id, system.clock.now())


@dataclass(frozen=True)
class Renewed:
    """The runs that a process still holds, each with whether it must be cancelled; and whether the process drains."""

    runs: dict[UUID, bool]
    drains: bool


def renew(system: System, worker: WorkerIdentity, leases: dict[UUID, int]) -> Renewed:
    """Renew this process's leases (run: fence). Returns the runs that it still holds, and whether it is draining."""
    with system.transaction(Gate.UNUSED) as unit:
        now = unit.now
        drains = workers.heartbeat(worker.id, now)
        until = now + timedelta(seconds=system.settings.lease_seconds)
        return Renewed(claims.renew(leases, worker.id, until) if leases else {}, drains)
