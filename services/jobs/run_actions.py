"""Act on single runs: cancel one that has not ended, dismiss the failure of one that failed for good."""

from __future__ import annotations

from uuid import UUID

from core.auditing import Thing
from core.errors import Conflict, NotFound
from core.principals import Principal
from core.scopes import Scope
from core.states import RunStatus
from models import failures, jobs, runs
from models.tables import Job, Run
from services.reading import records, visibility
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
            run_endings.end_if_over([(job, run_endings.state_if_cancelled([run_id])[run_id])], now)
        next_in_turn = overlap_queue.give(system, {job.id: job})
        view, _ = records.run(principal, run_id)
        unit.ring(next_in_turn)
    return view


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


def locked_run(principal: Principal, run_id: UUID) -> tuple[Job, Run]:
    """Lock and return a run and its job. Raises `NotFound`, also when the job was deleted."""
    run = runs.by_id(run_id)
    job = None if run is None else jobs.lock_whole(run.job_id)
    run = None if job is None else runs.lock_one(run_id)
    missing = NotFound("run", run_id)
    if run is None or not principal.sees_runs_of(run.account_id):
        raise missing
    return visibility.expected_of(principal, job, missing, Scope.OPERATE), run
