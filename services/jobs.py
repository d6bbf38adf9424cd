"""Create, cancel, pause and resume jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from core import schedules
from core.errors import Conflict, InvalidInput, NotFound
from core.states import ENDED, Hold, JobState
from models import apps, database, jobs, pauses, runs, tags
from models.tables import App, Job
from services import definitions, dispatching, faults, pausing, planning
from services.definitions import Definition
from services.dispatching import RING_WITHIN
from services.system import System


@dataclass(frozen=True, kw_only=True)
class NewJob(Definition):
    """A definition, and the app that it is for."""

    app_name: str


def create(system: System, new: NewJob) -> UUID:
    """Store a job and the run it has an instant for, then ring if that is due or about to be; the job's id.

    Raises `NotFound` for an unknown app (anonymous mode makes it), `InvalidInput` where there is nobody to call, the
    name is taken, the deadline has passed, or the schedule names no instant at all.
    """
    now = system.clock.now()
    horizon = now + timedelta(seconds=system.settings.plan_ahead_seconds)
    with database.transaction():
        pauses.share_gate()
        new = replace(new, schedule=schedules.as_accepted(new.schedule, now))
        job = _store(system, new, _app(system, new.app_name, now), now)
        rows = planning.first_rows(job, new.schedule, now, horizon)
        if schedules.comes_back(new.schedule) and job.next_run_at is None and not rows:
            raise InvalidInput.at("schedule", "names no instant in the future; give one that does.")
        rows = pausing.held_if_paused(job, rows)
        runs.insert(rows)
    faults.reach(faults.CREATE_COMMITTED)
    dispatching.ring_for(system, rows, RING_WITHIN)
    return job.id


def cancel(system: System, job_id: UUID) -> None:
    """End a job: runs that have not started are cancelled, one that runs is stopped at its next heartbeat.

    Cancelling a cancelled job does nothing. Raises `NotFound`, or `Conflict` when the job has ended otherwise.
    """

    def change(job: Job, now: datetime) -> None:
        if job.state == JobState.CANCELLED:
            return
        _refuse_ended(job, "cancelled")
        runs.cancel(job, "job cancelled", now)
        jobs.end([job], JobState.CANCELLED, now)

    _change(system, job_id, change)


def pause(system: System, job_id: UUID) -> None:
    """Let nothing of a job start until it is resumed: what is due is held, occurrences are skipped.

    Raises `NotFound`, or `Conflict` when the job has ended.
    """

    def change(job: Job, now: datetime) -> None:
        _refuse_ended(job, "paused")
        runs.hold(job, Hold.PAUSED)
        jobs.set_state(job, JobState.PAUSED, now)

    _change(system, job_id, change)


def resume(system: System, job_id: UUID) -> None:
    """Let a paused job go on, and ring for the runs that were held. Raises `NotFound`, or `Conflict` when ended."""
    freed = []

    def change(job: Job, now: datetime) -> None:
        _refuse_ended(job, "resumed")
        jobs.set_state(job, JobState.ACTIVE, now)
        if not pauses.paused([job]):  # its app may be, or everything
            freed.extend(pauses.release([job]))

    _change(system, job_id, change)
    dispatching.ring_for(system, freed, RING_WITHIN)


def _store(system: System, new: NewJob, app: App, now: datetime) -> Job:
    if new.callback_url is None and app.callback_base_url is None and system.settings.callback_base_url is None:
        raise InvalidInput.at(
            "callback_url",
            f"is needed: the app {app.name} has no callback_base_url. Give one here, or PUT /api/apps/{app.name}.",
        )
    if new.deadline_at is not None and new.deadline_at <= now:
        raise InvalidInput.at("deadline", f"is {new.deadline_at.isoformat()}, which has passed; give a later one.")
    if new.name is not None and jobs.named(app, new.name) is not None:
        raise InvalidInput.at("name", f"is {new.name!r}, which another job of the app {app.name} has; give another.")
    polls = isinstance(new.schedule, schedules.Polling)
    job = jobs.insert(
        app=app,
        **definitions.columns(new),
        state=JobState.ACTIVE,
        polling_state={} if polls else None,
        created_at=now,
        updated_at=now,
    )
    tags.replace(job, new.tags)
    return job


def _app(system: System, name: str, now: datetime) -> App:
    app = apps.by_name(name)
    if app is not None:
        return app
    if not system.settings.anonymous:
        raise NotFound("app", name)
    return apps.made_on_first_use(name, now)


def _change(system: System, job_id: UUID, change: Callable[[Job, datetime], None]) -> None:
    """Change a job under its lock."""
    with database.transaction():
        pauses.share_gate()
        job = jobs.lock([job_id]).get(job_id)
        if job is None:
            raise NotFound("job", job_id)
        change(job, system.clock.now())


def _refuse_ended(job: Job, wish: str) -> None:
    if job.state in ENDED:
        raise Conflict(f"The job {job.id} is {job.state} and cannot be {wish}; create a new job instead.")
