"""Trigger, retry and replay: runs on request. Overlap does not apply to them; a pause holds them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from core import replays
from core.auditing import Thing
from core.errors import Conflict, InvalidInput, NotFailed
from core.principals import Principal
from core.schedules import Polling
from core.scopes import Scope
from core.states import ENDED, JobState, JobStatus, RunStatus, Trigger
from models import edits, jobs, repeats, runs, versions
from models.runs import NewRun
from models.tables import Job, Run
from services.apps import quotas
from services.jobs import requests_of_accounts
from services.jobs.lifecycle import refuse_ended
from services.jobs.run_actions import locked_run
from services.reading import records, visibility
from services.reading.views import JobView, RunView
from services.runtime import slow_checks
from services.scheduling import pauses
from services.system import System
from services.task_types import registry


@slow_checks.before_transaction
def trigger(principal: Principal, system: System, job_id: UUID, data: dict[str, Any] | None = None) -> RunView:
    """Run a job now, in addition to its schedule; `data`, if given, replaces the job's. Returns the run.

    Raises `NotFound`, `Forbidden` for `data` that they may not give, `Conflict` when the job has ended or polls
    already, and the refusal of `data` by its task type.
    """
    with system.transaction() as unit:
        now = unit.now
        job = visibility.expected(principal, jobs.lock_whole(job_id), job_id, Scope.OPERATE)
        _refuse_data(principal, system, job, data)
        data = _given(principal, job, data)
        refuse_ended(job, "triggered")
        _refuse_second_poll(job)
        quotas.take_waiting(system, job, data=data)
        row = _store(draft(job, Trigger.MANUAL, now, now, data=data, trace=_trace(principal)), job)
        unit.audit(principal, "job.triggered", Thing.job(job), after={"run_id": str(row["id"]), "data": data})
        view, _ = records.run(principal, row["id"])
        unit.ring([row])
    return view


def retry(principal: Principal, system: System, job_id: UUID) -> UUID:
    """Retry a failed job with a new run in place of the one that failed last. Returns the new run's id.

    Polling continues from its state, and what counts towards giving up begins again. Raises `NotFound`, `NotFailed`,
    or `Conflict` when none of its runs is kept.
    """
    with system.transaction() as unit:
        now = unit.now
        job = visibility.expected(principal, jobs.lock_whole(job_id), job_id, Scope.OPERATE)
        if job.state is not JobState.FAILED:
            raise NotFailed
        failed = repeats.last_failed(job, principal.account_id)
        if failed is None:
            raise Conflict(f"The runs of job {job_id} are no longer kept; create a new job instead.")
        quotas.take_waiting(system, job)
        row = _again(principal, job, failed, now)
        unit.audit(principal, "job.retried", Thing.job(job), after={"run_id": str(row["id"])})
        unit.ring([row])
    return UUID(str(row["id"]))


@slow_checks.before_transaction
def replay(
    principal: Principal,
    system: System,
    run_id: UUID,
    data: dict[str, Any] | None = None,
    *,
    again: bool = False,
) -> RunView:
    """Replay a dead run; `again`: even one that completed. Returns the new run.

    A job that has ended is active again until that is over. `data`, if given, replaces the run's. Raises `NotFound`,
    `Forbidden` for `data` that they may not give, the refusal of `data` by its task type, or `Conflict` when the run
    cannot be replayed, is replayed at present, or belongs to a cancelled job. No mask in `data` is restored: it may
    name another address.
    """
    with system.transaction() as unit:
        now = unit.now
        job, run = locked_run(principal, run_id)
        _refuse_data(principal, system, job, data)
        _refuse_replay(job, run, again=again)
        quotas.take_waiting(system, job, data=data)
        row = _again(principal, job, run, now, data)
        after = {"run_id": str(row["id"])} if data is None else {"run_id": str(row["id"]), "data": data}
        thing = Thing("run", str(run.id), job.app_id)
        unit.audit(principal, "run.replayed", thing, before={"status": run.status}, after=after)
        view, _ = records.run(principal, row["id"])
        unit.ring([row])
    return view


def can_be_done_again(run: RunView, job: JobView) -> bool:
    """Whether a run can be replayed by whoever asks for it, even if it has completed."""
    facts = _facts(run.id, run.status, job.id, job.schedule.kind, job.task_type)
    return job.status is not JobStatus.CANCELLED and replays.refusal(facts, again=True) is None


def scope_for_data(task_type: str) -> Scope:
    """Returns the scope that is required to give a single run other data.

    The data of a task type that Carillon performs determine what is done: which address gets which secrets of the app,
    which program runs, who gets an e-mail. So the right to edit the job is required. For a callback, the receiver
    decides.
    """
    return Scope.OPERATE if registry.find(task_type) is None else Scope.JOBS


def draft(job: Job, why: Trigger, scheduled_for: datetime, now: datetime, **more: Any) -> NewRun:
    """Returns the values of a run that is requested now; a deadline that has passed does not apply to it."""
    row = runs.draft(job, why, scheduled_for, now, due_at=now, status=RunStatus.QUEUED, **more)
    if row["deadline_at"] is not None and row["deadline_at"] <= now:
        row |= {"deadline_at": None, "expire": False}
    return row


def _refuse_data(principal: Principal, system: System, job: Job, data: dict[str, Any] | None) -> None:
    """Raises `Forbidden` for a missing scope, and the refusal by the task type, which an edit may have changed."""
    if data is not None:
        visibility.expected(principal, job, job.id, scope_for_data(job.task_type))
        registry.expect_valid(system.settings, job.task_type, data)


def _refuse_second_poll(job: Job) -> None:
    if job.schedule_kind == Polling.kind and jobs.with_live_run([job.id]):
        raise Conflict(
            f"The job {job.id} polls, one poll at a time, and its next poll is planned or running; wait for that one."
        )


def _refuse_replay(job: Job, run: Run, *, again: bool) -> None:
    facts = _facts(run.id, run.status, job.id, job.schedule_kind, job.task_type)
    if (refusal := replays.refusal(facts, again=again)) is not None:
        raise Conflict(refusal)
    if job.state is JobState.CANCELLED:
        raise Conflict(f"The job {job.id} is cancelled, so its runs cannot be replayed; create a new job instead.")
    if repeats.going_on([run.id]):
        raise Conflict(f"The run {run.id} is being replayed; wait until that is over.")
    _refuse_second_poll(job)


def _facts(run_id: UUID, status: RunStatus, job_id: UUID, schedule_kind: str, task_type: str) -> replays.Facts:
    is_done_once = registry.is_done_once(task_type)
    return replays.Facts(run_id, RunStatus(status), job_id, schedule_kind, task_type, is_done_once)


def _again(principal: Principal, job: Job, run: Run, now: datetime, data: dict[str, Any] | None = None) -> NewRun:
    """Store a run that repeats another, with its own idempotency key; a job that has ended is active again for it."""
    data = _own_data(principal, job, run) if data is None else _given(principal, job, data)
    if job.state in ENDED:
        edits.reopen(job, now)
    again = {"retry_of": run.id, "data": data, "trace": _trace(principal)}
    return _store(draft(job, Trigger.RETRY, run.scheduled_for, now, **again), job)


def _given(principal: Principal, job: Job, data: dict[str, Any] | None) -> Any:
    """Returns data that a run is given. Raises `InvalidInput` for what a key of one account may not give."""
    return requests_of_accounts.bounded(principal, job.task_type, data)


def _own_data(principal: Principal, job: Job, run: Run) -> Any:
    """Returns a run's own data, if any, to be used again. Raises `Conflict` where the principal may not give them."""
    if run.data is None:
        return None
    _refuse_data_of_other_type(job, run)
    try:
        return _given(principal, job, run.data)
    except InvalidInput as refusal:
        raise Conflict(f"The data of the run {run.id} cannot be used again: {refusal}") from None


def _refuse_data_of_other_type(job: Job, run: Run) -> None:
    """Raises `Conflict` if a run's own data were given for another type of task, where they meant something else."""
    if run.job_version == job.version:
        return
    kept = versions.kept({(job.id, run.job_version)}).get((job.id, run.job_version))
    if kept is None or kept.get("task_type") != job.task_type:
        raise Conflict(
            f"The run {run.id} has data of its own, and it is not known that they were given for the task_type "
            f"{job.task_type}, which the job has now; give data for it."
        )


def _trace(principal: Principal) -> str | None:
    """Returns the trace that a run created directly by a request continues."""
    return None if principal.trace is None else principal.trace.text


def _store(row: NewRun, job: Job) -> NewRun:
    [row] = pauses.held_if_paused([job], [row])
    runs.insert([row])
    return row
