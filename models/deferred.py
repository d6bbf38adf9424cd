"""Queries on running runs without a worker, which wait for their receiver's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.states import Outcome, RunStatus
from models import changes, set_based
from models.database import for_update
from models.hot import endings
from models.hot.rows import EndRow, EndRows
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


def store_progress(run: Run, progress: Mapping[str, Any]) -> None:
    """Store the progress of a locked run, as its receiver reports it."""
    Run.update(progress).where(Run.id == run.id).execute()
    changes.note(runs=[run.id])


def cancel(condition: Any, reason: str, now: datetime) -> int:
    """Cancel the runs that match and wait for a report. Returns how many. The caller has locked their jobs."""
    waiting = Run.select(Run.id).where(condition, Run.status == RunStatus.RUNNING, Run.reports_until.is_null(False))
    run_ids = [run.id for run in for_update(waiting.order_by(Run.id))]
    attempt = {"outcome": Outcome.FAILED, "finished_at": now, **_CANCELLED}
    change = {"status": RunStatus.CANCELLED, "reason": reason, "finished_at": now, **_CANCELLED}
    if run_ids:
        endings.write(EndRows([EndRow(run_id, attempt, change) for run_id in run_ids]), now)
    return len(run_ids)
