"""Ask a worker to finish its runs and take no more, or end that drain: for administrators.

The worker learns of it with its next heartbeat. A restarted process registers as a new worker, which takes runs.
"""

from __future__ import annotations

from uuid import UUID

from core.auditing import Thing
from core.errors import Conflict, NotFound
from core.principals import Principal
from models import workers
from models.pauses import Gate
from services.reading.installation.workers import WorkerView, shown
from services.system import System


def drain(principal: Principal, system: System, worker_id: UUID, reason: str | None = None) -> WorkerView:
    """Ask a worker to take no more runs. Raises `NotFound`, `Conflict` if it has stopped, or `Forbidden`."""
    return _put(principal, system, worker_id, reason, drains=True)


def end_drain(principal: Principal, system: System, worker_id: UUID, reason: str | None = None) -> WorkerView:
    """End the drain of a worker: it takes runs again. Raises as `drain` does."""
    return _put(principal, system, worker_id, reason, drains=False)


def _put(principal: Principal, system: System, worker_id: UUID, reason: str | None, *, drains: bool) -> WorkerView:
    principal.expect_administration()
    with system.transaction(Gate.UNUSED) as unit:
        found = workers.lock(worker_id)
        if found is None:
            raise NotFound("worker", worker_id)
        if found.stopped_at is not None:
            raise Conflict(f"The worker {worker_id} has stopped; look for the one that took its place.")
        if drains is (found.draining_at is None):
            workers.set_draining(worker_id, unit.now if drains else None)
            unit.audit(
                principal,
                "worker.drained" if drains else "worker.resumed",  # a stored name: the drain ended
                Thing("worker", str(worker_id)),
                reason=reason,
            )
        return shown(system, worker_id)
