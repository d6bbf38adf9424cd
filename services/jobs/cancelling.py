"""Cancel single runs."""

from __future__ import annotations

from uuid import UUID

from core.auditing import Thing
from core.errors import Conflict
from core.principals import Principal
from core.states import JobState, RunStatus
from models import runs
from services.jobs.requested_runs import locked_run
from services.reading import records
from services.reading.views import RunView
from services.scheduling import overlap_queue, run_endings
from services.system import System


def cancel(principal: Principal, system: System, run_id: UUID, reason: str | None = None) -> RunView:
    """Cancel one run, at once or when its worker has stopped. Returns the run; a recurring job continues without it.

    Raises `NotFound`, or `Conflict` when the run has ended.
    """
    with system.transaction() as unit:
        now = unit.now
        job, run = locked_run(principal, run_id)
        if run.finished_at is not None:
            raise Conflict(f"The run {run_id} is {run.status}; only a run that has not ended can be cancelled.")
        former = run.status
        runs.cancel_one(run, "run cancelled", now)
        thing = Thing("run", str(run_id), job.app_id)
        unit.audit(principal, "run.cancelled", thing, before={"status": former}, reason=reason)
        if run.status != RunStatus.RUNNING or run.reports_until is not None:
            run_endings.end_if_over([(job, JobState.CANCELLED)], now)
        next_in_turn = overlap_queue.give(system, {job.id: job})
        view, _ = records.run(principal, run_id)
        unit.ring(next_in_turn)
    return view
