"""Cancel, pause and resume jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core import instants
from core.auditing import Thing
from core.errors import Conflict
from core.pauses import Paused, expect_until
from core.principals import Principal
from core.scopes import Scope
from core.states import ENDED, Hold, JobState
from models import jobs, pause_ends, pauses, runs
from models.tables import Job, Run
from services.messaging.unit_of_work import UnitOfWork
from services.reading import visibility
from services.system import System


def cancel(principal: Principal, system: System, job_id: UUID, *, reason: str | None = None) -> None:
    """Cancel a job: runs that have not started are cancelled, a running one is stopped at its next heartbeat.

    Cancelling a cancelled job does nothing. Raises `NotFound`, or `Conflict` when the job has ended otherwise.
    """

    def change(job: Job, unit: UnitOfWork) -> None:
        if job.state == JobState.CANCELLED:
            return
        refuse_ended(job, "cancelled")
        runs.cancel(job, "job cancelled", unit.now)
        jobs.end([(job, JobState.CANCELLED)], unit.now)

    _change(principal, system, job_id, change, "job.cancelled", reason=reason)


def pause(
    principal: Principal,
    system: System,
    job_id: UUID,
    *,
    until: datetime | None = None,
    is_checked: bool = False,
    reason: str | None = None,
) -> None:
    """Pause a job: until it is resumed, at the latest at `until`, due runs are held and occurrences are skipped.

    A second pause replaces the instant. With `is_checked` the instant was accepted before, and may have passed: then
    the coordinator resumes the job at once. Raises `NotFound`, `InvalidInput` for an impossible instant, or
    `Conflict` when the job has ended.
    """

    def change(job: Job, unit: UnitOfWork) -> None:
        if not is_checked:
            expect_until(until, unit.now)
        switch(job, unit.now, active=False)
        pause_ends.put(Paused.JOB, job.id, until)

    _change(principal, system, job_id, change, "job.paused", reason=reason)


def resume(principal: Principal, system: System, job_id: UUID, *, reason: str | None = None) -> None:
    """Resume a paused job, and ring for the runs that were held. Raises `NotFound`, or `Conflict` when ended."""

    def change(job: Job, unit: UnitOfWork) -> None:
        unit.ring(switch(job, unit.now, active=True))

    _change(principal, system, job_id, change, "job.resumed", reason=reason)


def switch(job: Job, now: datetime, *, active: bool) -> list[Run]:
    """Pause or resume a locked job, in a transaction that shares the gate. Returns the runs that it releases."""
    refuse_ended(job, "resumed" if active else "paused")
    if not active:
        pauses.hold([job.id], now)
    jobs.set_state([job], JobState.ACTIVE if active else JobState.PAUSED, now)
    hold = pauses.holds([job]).get(job.id)
    if hold is Hold.PAUSED:  # or its app is, or everything
        return []
    freed: list[Run] = pauses.release([job], hold, now)
    return freed


def _change(
    principal: Principal,
    system: System,
    job_id: UUID,
    change: Callable[[Job, UnitOfWork], object],
    action: str,
    *,
    reason: str | None,
) -> None:
    """Change a job under its lock, and audit the action if it changed the state or the end of a pause."""
    with system.transaction() as unit:
        found = jobs.lock([job_id]).get(job_id)
        kept = None if found is None or found.deleted_at is not None else found
        job = visibility.expected(principal, kept, job_id, Scope.OPERATE)
        former = audited_state(job)
        change(job, unit)
        if (became := audited_state(job)) != former:
            unit.audit(principal, action, Thing.job(job), before=former, after=became, reason=reason)


def audited_state(job: Job) -> dict[str, Any]:
    """Returns a job's state for the audit log, with the end of its pause, if known."""
    return audited_states([job])[job.id]


def audited_states(some: Sequence[Job]) -> dict[UUID, dict[str, Any]]:
    """Returns the result of `audited_state` for each of these jobs."""
    ends = pause_ends.of([job.id for job in some if job.state == JobState.PAUSED])
    return {
        job.id: {"state": job.state} | ({"until": instants.shown(ends[job.id])} if job.id in ends else {})
        for job in some
    }


def refuse_ended(job: Job, action: str) -> None:
    """Raise `Conflict` if the job has ended; `action` is a participle."""
    if job.state in ENDED:
        raise Conflict(f"The job {job.id} is {job.state} and cannot be {action}; create a new job instead.")
