"""Dismiss failures: somebody has looked at them, and they need not be shown any more."""

from __future__ import annotations

from uuid import UUID

from core.auditing import Thing
from core.errors import Conflict
from core.principals import Principal
from core.states import RunStatus
from models import failures
from services.jobs.requested_runs import locked_run
from services.system import System


def dismiss(principal: Principal, system: System, run_id: UUID, reason: str | None = None) -> None:
    """No longer show a run that failed for good among the failures; it stays among the runs, and can be replayed.

    Raises `NotFound`, or `Conflict` when it did not fail, or was dismissed before.
    """
    with system.transaction() as unit:
        job, run = locked_run(principal, run_id)
        if run.status != RunStatus.FAILED:
            raise Conflict(f"The run {run_id} is {run.status}; only one that failed can be dismissed.")
        if not failures.dismiss(run, principal.label, unit.now):
            raise Conflict(f"The failure of the run {run_id} is dismissed already.")
        unit.audit(principal, "run.dismissed", Thing("run", str(run_id), job.app_id), reason=reason)
