"""Edit, replace and delete jobs: a job may be changed until a worker claims its run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from core import edits as rules
from core import schedules
from core.auditing import Thing, differences
from core.errors import Conflict, InvalidInput, PreconditionFailed
from core.policies import is_spent
from core.principals import Principal
from core.schedules import Recurring
from core.scopes import Scope
from core.states import ENDED, JobState, RunStatus, Trigger
from models import edits, held_keys, jobs, pauses, runs, tags, versions
from models.pauses import Gate
from models.runs import NewRun
from models.tables import Job, Run
from services.apps import quotas
from services.jobs import definition, ownership
from services.jobs.definition import Definition
from services.jobs.lifecycle import refuse_ended, switch
from services.messaging.unit_of_work import UnitOfWork
from services.reading import records, visibility
from services.reading.views import JobView
from services.runtime import slow_checks
from services.scheduling import overlap_queue, planning, run_endings, stored_schedule
from services.system import System
from services.task_types import registry, request_masks

Amend = Callable[[JobView], Definition]
Refuse = Callable[[JobView], None]
Made = Sequence[Run | NewRun]


@dataclass(frozen=True)
class _Edit:
    """One edit of a locked job: its definition before, its new definition, the instant of the edit, who and why.

    `bound_to` is the account to which the key of the caller is bound.
    """

    job: Job
    before: Definition
    wanted: Definition
    now: datetime
    by: str
    bound_to: str | None
    reason: str | None

    def changes(self, *names: str) -> bool:
        """Whether the edit changes one of these members."""
        return any(getattr(self.before, name) != getattr(self.wanted, name) for name in names)


@slow_checks.before_transaction
def edit(
    principal: Principal,
    system: System,
    job_id: UUID,
    amend: Amend,
    expected: Collection[int] | None = None,
    *,
    active: bool | None = None,
    reason: str | None = None,
) -> JobView:
    """Change a job to what `amend` returns for its view. Returns the job; without a change, it keeps its version.

    `amend` is called again after a check of the new data, with the job as it is then. No run of the job begins between
    the last call and the end of the edit. Runs that no worker has claimed by then use the new version, others keep the
    one they began with. If `expected` names versions, the job must be in one of them; `active` also resumes or pauses
    it. Raises `NotFound`, `PreconditionFailed`, `Conflict` when the job has ended, `InvalidInput` as `amend` does and
    for changes that are not possible.
    """
    with system.transaction() as unit:
        now = unit.now
        job = _found(principal, job_id, expected)
        edits.lock_not_begun(job)
        view = records.job(principal, job_id)
        refuse_ended(job, "edited")
        before = definition.of(job, view.tags)
        wanted = ownership.check_edit(principal, before, _unmasked(before, amend(view)))
        one = _as_wanted(_Edit(job, before, wanted, now, principal.label, principal.account_id, reason))
        made = [] if definition.alike(one.before, one.wanted) else [*_carry_out(system, one)]
        former = job.state
        if active is not None and active is (job.state == JobState.PAUSED):
            made += switch(job, now, active=active)
        _audit(principal, unit, one, former)
        view = records.job(principal, job_id)
        unit.ring(made)
    return view


def delete(
    principal: Principal,
    system: System,
    job_id: UUID,
    expected: Collection[int] | None = None,
    refuse: Refuse = lambda _view: None,
    *,
    reason: str | None = None,
) -> None:
    """Delete a job: runs that have not started will not start, running ones may finish; its history is pruned later.

    Raises `NotFound`, `PreconditionFailed` as `edit` does, and what `refuse` raises for the job's view.
    """
    with system.transaction(Gate.UNUSED) as unit:
        now = unit.now
        job = _found(principal, job_id, expected)
        edits.lock_not_begun(job)
        refuse(records.job(principal, job_id))
        former = job.state
        runs.cancel_waiting(job, "job deleted", now)
        if job.state not in ENDED:
            jobs.end([(job, JobState.CANCELLED)], now)
        edits.delete(job, now)
        unit.audit(principal, "job.deleted", Thing.job(job), before={"name": job.name, "state": former}, reason=reason)


def _audit(principal: Principal, unit: UnitOfWork, one: _Edit, former: JobState) -> None:
    """Record what an edit changed, if it changed anything."""
    was, became = definition.snapshot(one.before), definition.snapshot(one.wanted)
    before, after = differences({**was, "state": former}, {**became, "state": one.job.state})
    if before:
        unit.audit(principal, "job.edited", Thing.job(one.job), before=before, after=after, reason=one.reason)


def _found(principal: Principal, job_id: UUID, expected: Collection[int] | None) -> Job:
    job = visibility.expected(principal, jobs.lock_whole(job_id), job_id, Scope.JOBS)
    if expected is not None and job.version not in expected:
        raise PreconditionFailed(
            f"The job {job_id} is in version {job.version}, not in the one that If-Match names. "
            "Read it again, and repeat the edit."
        )
    return job


def _unmasked(before: Definition, wanted: Definition) -> Definition:
    """Returns the requested definition in which what is shown masked is replaced by what the job has stored."""
    return replace(
        wanted,
        callback_url=request_masks.restored_address(wanted.callback_url, before.callback_url),
        data=request_masks.restored_data(wanted.task_type, wanted.data, before.data),
    )


def _as_wanted(one: _Edit) -> _Edit:
    """Returns an edit as it is stored. Raises `InvalidInput` for another kind of schedule."""
    refusal = rules.refusal(one.before.schedule, one.wanted.schedule)
    if refusal is not None:
        raise InvalidInput.at("schedule.type", refusal)
    schedule = one.wanted.schedule.replacing(one.before.schedule, one.now)
    return replace(one, wanted=replace(one.wanted, schedule=schedule, tags=tuple(sorted(set(one.wanted.tags)))))


def _carry_out(system: System, one: _Edit) -> Made:
    """Write a new version, and move runs that have not begun to it. Returns the runs that were created or moved."""
    job = one.job
    if one.changes("task_type"):
        _refuse_other_type(job)
    if one.changes("task_type", "data"):
        registry.expect_valid(system.settings, one.wanted.task_type, one.wanted.data)
    definition.expect_no_growth(one.before, one.wanted, system.settings.max_body_bytes)
    definition.expect_possible(system, one.wanted, job.app, one.now, before=one.before, bound_to=one.bound_to)
    quotas.check_edit(system, job, one.before, one.wanted, one.now)
    if one.changes("schedule"):
        planning.plan_until_now(job, one.now)
    versions.keep(job, definition.snapshot(one.before), one.now, by=one.by, reason=one.reason)
    columns = definition.columns(one.wanted)
    if not one.changes("name"):
        columns["name_key"] = job.name_key  # an old name's key may be its exact spelling
    if not edits.redefine(job, columns, one.now):
        raise definition.name_taken(one.wanted.name, job.app)
    if one.changes("tags"):
        tags.replace(job, one.wanted.tags)
    not_begun = edits.lock_not_begun(job)
    edits.follow(
        job,
        not_begun,
        priority_changed=one.changes("priority"),
        deadline_changed=one.changes("deadline_at", "deadline_seconds"),
        expire_changed=one.changes("expire"),
    )
    versions.trim(job)
    # Its calls may go elsewhere now; what a limit still refuses is held again by the claim.
    released = held_keys.release([run.id for run in not_begun], pauses.holds([job]).get(job.id), one.now)
    made = [*released, *(_reschedule(system, one, not_begun) if one.changes("schedule") else [])]
    # If runs may overlap now, none waits for another to end.
    return [*made, *overlap_queue.give(system, {job.id: job})] if one.changes("overlap") else made


def _refuse_other_type(job: Job) -> None:
    """Raises `Conflict` for a job with live runs that have data of their own, which are for its present type."""
    if runs.live_with_data(job.id):
        raise Conflict(
            f"A run of the job {job.id} that is not over has data of its own, given for its present task_type. Wait "
            "until it is over, or cancel it."
        )


def _reschedule(system: System, one: _Edit, not_begun: Sequence[Run]) -> Made:
    match one.before.schedule, one.wanted.schedule:
        case _, Recurring() as schedule:
            return _replan(system, one, schedule)
        case schedules.Polling(interval_seconds=former), schedules.Polling(interval_seconds=wanted):
            return _repoll(one, not_begun, timedelta(seconds=former), timedelta(seconds=wanted))
        case _:
            return [_move(one, not_begun)]


def _replan(system: System, one: _Edit, schedule: Recurring) -> Made:
    """Plan by the new schedule from now on; if it has no further occurrences, it has ended."""
    if is_spent(one.job.runs_started, stored_schedule.max_runs_of(one.job)):
        run_endings.end_schedules([one.job], one.now)
        return []
    horizon = one.now + timedelta(seconds=system.settings.plan_ahead_seconds)
    rows = planning.replan(one.job, schedule, one.now, horizon)
    runs.insert(rows)
    run_endings.end_if_over([(one.job, JobState.COMPLETED)], one.now)
    return rows


def _repoll(one: _Edit, not_begun: Sequence[Run], former: timedelta, wanted: timedelta) -> Made:
    """Move the next poll to the new interval, unless the receiver asked for its instant."""
    run = next((run for run in not_begun if run.trigger == Trigger.POLL and run.status == RunStatus.PENDING), None)
    if run is None or run.due_at - run.created_at != former:
        return []
    return [_put(one, run, max(one.now, run.created_at + wanted))]


def _move(one: _Edit, not_begun: Sequence[Run]) -> Run:
    """Move a one-shot's run to the instant of the new schedule. Raises `Conflict` once it has begun."""
    run = next((run for run in not_begun if run.trigger == Trigger.SCHEDULE), None)
    if run is None:
        raise Conflict(
            f"The run of job {one.job.id} has begun, so its schedule cannot change; create a new job instead."
        )
    return _put(one, run, next(one.wanted.schedule.upcoming(one.now)))


def _put(one: _Edit, run: Run, instant: datetime) -> Run:
    held_by = pauses.holds([one.job]).get(one.job.id)
    return edits.move(one.job, run, instant, held_by, one.now)
