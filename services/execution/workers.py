"""Register the processes that execute runs while they live, and renew their leases by heartbeats."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from core.errors import LockTimeout
from core.version import VERSION
from models import claims, locks, workers
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
    """The runs that a process still holds, each with whether it must be cancelled; and whether the process drains.

    Runs that were passed over, since others have locked them, are still held, but were not renewed.
    """

    runs: dict[UUID, bool]
    drains: bool
    passed_over: Collection[UUID] = ()


def renew(system: System, worker: WorkerIdentity, leases: dict[UUID, int]) -> Renewed:
    """Renew this process's leases (run: fence). Returns the runs that it still holds, and whether it is draining.

    Runs that others have locked are waited for when all others are renewed, and only briefly: a session that keeps one
    of them locked must not cost this process the others.
    """
    renewed = _renew(system, worker, leases, waits_for_locks=False)
    if not renewed.passed_over:
        return renewed
    try:
        rest = _renew(system, worker, {run_id: leases[run_id] for run_id in renewed.passed_over}, waits_for_locks=True)
    except LockTimeout:
        return renewed
    return Renewed(renewed.runs | rest.runs, rest.drains)


def _renew(system: System, worker: WorkerIdentity, leases: dict[UUID, int], *, waits_for_locks: bool) -> Renewed:
    with system.transaction(Gate.UNUSED) as unit:
        if waits_for_locks:
            locks.wait_briefly()
        now = unit.now
        drains = workers.heartbeat(worker.id, now)
        until = now + timedelta(seconds=system.settings.lease_seconds)
        runs = claims.renew(leases, worker.id, until, waits_for_locks=waits_for_locks) if leases else {}
        missing = {run_id: fence for run_id, fence in leases.items() if run_id not in runs}
        passed_over = claims.still_held(missing, worker.id) if missing and not waits_for_locks else set()
    return Renewed(runs, drains, passed_over)
