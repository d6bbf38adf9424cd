"""Queries for edits: they replace a locked job's definition, and adapt its runs that have not begun."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import peewee

from core import fairness
from core.states import Hold, JobState, RunStatus, Trigger
from models import changes, filtering, run_holds, runs, set_based
from models.database import for_update
from models.tables import Job, Run

_NOT_BEGUN = (RunStatus.PENDING, RunStatus.QUEUED)
_NAMED_ONCE = "jobs_name_once"  # how the names of the index and of its predecessor begin


def redefine(job: Job, columns: dict[str, Any], now: datetime) -> bool:
    """Replace a locked job's definition, as its next version. Returns False if another job has the name.

    The transaction must then be rolled back.
    """
    new = {**columns, "version": job.version + 1, "updated_at": now}
    try:
        Job.update(new).where(Job.id == job.id).execute()
    except peewee.IntegrityError as error:
        if _NAMED_ONCE in str(error):
            return False
        raise
    for name, value in new.items():
        setattr(job, name, value)
    changes.note(jobs=[job.id])
    return True


def delete(job: Job, now: datetime) -> None:
    """Mark a locked job as deleted; its row is removed with its history."""
    Job.update(deleted_at=now, updated_at=now).where(Job.id == job.id).execute()
    changes.note(jobs=[job.id])


def reopen(job: Job, now: datetime) -> None:
    """Reopen a locked job that had ended, and restart its counts towards giving up."""
    new: dict[str, Any] = {
        "state": JobState.ACTIVE,
        "finished_at": None,
        "end_reason": None,
        "polls": 0,
        "reopened_at": now,
        "updated_at": now,
    }
    Job.update(new).where(Job.id == job.id).execute()
    for name, value in new.items():
        setattr(job, name, value)
    changes.note(jobs=[job.id])


def lock_not_begun(job: Job) -> list[Run]:
    """Lock a locked job's runs that no worker has claimed yet, in the order of their ids. Returns them."""
    not_begun = Run.status.in_(_NOT_BEGUN) & (Run.attempt_count == 0)
    query = Run.select().where(Run.job == job.id, filtering.LIVE, not_begun)
    return list(for_update(query.order_by(Run.id)))


def follow(
    job: Job, not_begun: Sequence[Run], *, priority_changed: bool, deadline_changed: bool, expire_changed: bool
) -> None:
    """Adapt these locked runs to the current definition of their job.

    A priority raised by ageing falls only with a new one; a run that was requested after the deadline had passed
    gets a deadline, and may expire, only with a new one.
    """
    own: dict[str, Any] = {"job_version": job.version, "account_id": job.account_id, "queue": job.queue}
    if priority_changed:
        own["priority"] = job.priority
    if any(run.account_id != job.account_id for run in not_begun):
        own["party"] = fairness.party(job.app.name, job.account_id)

    def following(run: Run) -> dict[str, Any]:
        if deadline_changed:
            return own | _deadline(job, run, runs.deadline(job, run.due_at))
        if expire_changed and run.deadline_at is not None:
            return own | _deadline(job, run, run.deadline_at)
        return own

    set_based.update(Run.id, ((run.id, following(run)) for run in not_begun))
    changes.note(runs=(run.id for run in not_begun))


def move(job: Job, run: Run, instant: datetime, held_by: Hold | None, now: datetime) -> Run:
    """Move a locked run of a job to another instant, as if it had been made for that one. Returns the run.

    Whether it is late or misses its deadline is decided again; a priority raised by ageing falls if the run is put off.
    """
    is_due = instant <= now
    deadline_at = runs.deadline(job, instant)
    new: dict[str, Any] = {
        "scheduled_for": instant,
        "due_at": instant,
        "aged_at": instant,
        "late_at": None,
        "was_held": False,
        "deadline_at": deadline_at,
        "status": RunStatus.QUEUED if is_due else RunStatus.PENDING,
        "held_by": held_by if is_due else None,
    }
    if deadline_at != run.deadline_at:
        new["deadline_missed_at"] = None
    if not is_due:
        new["priority"] = job.priority
    Run.update(new).where(Run.id == run.id).execute()
    run_holds.release([run.id], new["held_by"], now)
    for name, value in new.items():
        setattr(run, name, value)
    changes.note(runs=[run.id])
    return run


def delete_planned(job: Job, after: datetime) -> None:
    """Remove a locked job's planned occurrences whose nominal instant is later."""
    planned = (Run.trigger == Trigger.SCHEDULE) & (Run.status == RunStatus.PENDING) & (Run.attempt_count == 0)
    Run.delete().where(Run.job == job.id, filtering.LIVE, planned, Run.scheduled_for > after).execute()
    changes.note(jobs=[job.id])


def _deadline(job: Job, run: Run, deadline_at: datetime | None) -> dict[str, Any]:
    if deadline_at == run.deadline_at and run.expire >= job.expire:
        return {"expire": job.expire}
    return {"expire": job.expire, "deadline_at": deadline_at, "deadline_missed_at": None}  # to be checked again
