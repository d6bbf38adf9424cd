"""The states that a polling job has had, and the rewind to one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core import polls
from core.auditing import Thing
from core.errors import Conflict, NotFound
from core.principals import Principal
from core.scopes import Scope
from core.states import JobState, Trigger
from models import database, jobs, polling_states, runs, versions
from models.tables import Job
from services.reading import records, visibility
from services.reading.views import JobView
from services.scheduling import pauses
from services.system import System


@dataclass(frozen=True)
class PollingStateView:
    """A state that a polling job has had, and its version."""

    version: int
    state: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class StatesPage:
    """States, newest first; `more` if older ones are kept."""

    states: list[PollingStateView]
    more: bool


def history(principal: Principal, job_id: UUID, before: int | None = None) -> StatesPage:
    """Returns a polling job's newest states, or those before a version; fewer if they are large.

    A key of an account gets the current state, and the former ones that the job had since it belongs to the account.
    Raises `NotFound`, or `Conflict` if it does not poll.
    """
    with database.reading():
        job = _polling(visibility.expected(principal, jobs.by_id(job_id), job_id))
        since = _since(principal, job_id)
        kept = polling_states.newest(job_id, before, since)
        if not kept and before is None:  # no poll has ended yet, or none for this account
            return StatesPage([PollingStateView(job.polling_version, job.polling_state, job.created_at)], more=False)
        more = bool(kept) and polling_states.any_before(job_id, kept[-1].version, since)
        return StatesPage([PollingStateView(one.version, one.state, one.created_at) for one in kept], more)


def rewind(principal: Principal, system: System, job_id: UUID, version: int) -> JobView:
    """Continue polling from the state of an earlier version, which becomes the newest. Returns the job.

    The answer to a poll that is under way is ignored, since it was made from another version. A poll that waits for
    its retry is replaced by a new one at the same instant; so is a poll under way, if it is to be retried when its
    attempt ends: no idempotency key is sent with two states. Raises `NotFound`, also for a version that is no longer
    kept, or `Conflict` if the job does not poll, or polls no more.
    """
    with system.transaction() as unit:
        now = unit.now
        job = _polling(visibility.expected(principal, jobs.lock_whole(job_id), job_id, Scope.OPERATE))
        if job.state in (JobState.COMPLETED, JobState.CANCELLED):
            raise Conflict(f"The job {job_id} is {job.state} and cannot be rewound; create a new job instead.")
        is_present = version == job.polling_version
        since = _since(principal, job_id)
        state = job.polling_state if is_present else polling_states.state(job_id, version, since)
        if state is None:
            raise NotFound(f"polling state of job {job_id} in version", version)
        unit.audit(
            principal, "job.rewound", Thing.job(job), before={"version": job.polling_version}, after={"from": version}
        )
        jobs.set_polling_states([(job, state)], now)
        rows = _polled_anew(job, now)
        view = records.job(principal, job_id)
        unit.ring(rows)
    return view


def _polled_anew(job: Job, now: datetime) -> list[dict[str, Any]]:
    """Replace a poll that was sent and waits for a retry. Returns the new one, if any."""
    begun = runs.lock_begun(job)
    for run in begun:
        runs.cancel_one(run, polls.REWOUND, now)
    instants = [polls.instant_after(run.scheduled_for, max(run.due_at, now)) for run in begun]
    drafts = [runs.draft(job, Trigger.POLL, at, now, data=run.data) for run, at in zip(begun, instants, strict=True)]
    rows = pauses.held_if_paused([job], drafts)
    runs.insert(rows)
    return rows


def _since(principal: Principal, job_id: UUID) -> datetime | None:
    """Returns since when a job belongs to the principal's account; None if the principal may see all its states."""
    return None if principal.account_id is None else versions.of_another_until(job_id, principal.account_id)


def _polling(job: Job) -> Job:
    """Returns the job. Raises `Conflict` when it does not poll."""
    if job.polling_state is None:
        raise Conflict(
            f"The job {job.id} has no polling state: its schedule is {job.schedule_kind}; only polling jobs have one."
        )
    return job
