"""Queries on running runs that no worker is at: they wait for their receiver's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.states import Outcome, RunStatus
from models import attempts, changes, limits, set_based
from models.database import for_update
from models.tables import Run

_CANCELLED = {"error_type": "cancelled", "error_message": "Cancelled while it waited for a report."}


def begin(waits: Sequence[tuple[UUID, Mapping[str, Any]]]) -> None:
    """Mark these locked runs as waiting for reports, each with its lease and its limit."""
    set_based.update(Run.id, waits, Run.status == RunStatus.RUNNING)
    changes.note(runs=(run_id for run_id, _ in waits))


def keep_lease(run: Run, until: datetime) -> None:
    """Renew a locked run's lease as its receiver asks; while a worker still has the run, only note the request."""
    change = {"report_lease_at": until} if run.reports_until is None else {"lease_expires_at": until}
    Run.update(change).where(Run.id == run.id).execute()


def tell(run: Run, told: Mapping[str, Any]) -> None:
    """Store how far a locked run is, as its receiver tells."""
    Run.update(told).where(Run.id == run.id).execute()
    changes.note(runs=[run.id])


def cancel(condition: Any, reason: str, now: datetime) -> int:
    """Cancel those of the runs that fit which wait for a report. Returns how many. The caller has locked their jobs."""
    waiting = Run.select(Run.id).where(condition, Run.status == RunStatus.RUNNING, Run.reports_until.is_null(False))
    run_ids = [run.id for run in for_update(waiting.order_by(Run.id))]
    if run_ids:
        attempts.close((run_id, {"outcome": Outcome.FAILED, "finished_at": now, **_CANCELLED}) for run_id in run_ids)
        limits.end_uses(run_ids, now)
        Run.update(
            status=RunStatus.CANCELLED,
            reason=reason,
            finished_at=now,
            reports_until=None,
            lease_expires_at=None,
            worker_id=None,
            **_CANCELLED,
        ).where(Run.id.in_(run_ids)).execute()
        changes.note(runs=run_ids)
    return len(run_ids)
