"""Pauses of a whole app or of everything, and the gate between them and transactions that make runs claimable.

A transaction that makes runs claimable shares the gate, reads the pauses and holds the runs that are paused; one that
pauses takes the gate exclusively first. So no run slips through between the reading and the commit. The gate is taken
before the locks of jobs and runs.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.pauses import Paused
from core.states import Hold, JobState, RunStatus
from models import changes, pause_ends, run_holds
from models.database import for_update
from models.set_based import chunks
from models.tables import App, Installation, Job, Run

# One number for all Carillon processes; SQLite has one writer anyway.
GATE = 0x43415250
_OF_A_RING = (Run.id, Run.job, Run.queue, Run.status, Run.held_by, Run.due_at)


class Gate(enum.Enum):
    """The ways to pass the gate between pauses and all that makes runs claimable."""

    UNUSED = None
    SHARED = f"SELECT pg_advisory_xact_lock_shared({GATE})"  # no pause begins until the transaction ends
    CLOSED = f"SELECT pg_advisory_xact_lock({GATE})"  # no other transaction shares it meanwhile


def holds(jobs: Collection[Job]) -> dict[UUID, Hold]:
    """Returns, by job, what keeps runs of these jobs from being claimed: a pause or, without one, a restore.

    The pause may be that of the job, its app or everything.
    """
    everything = peewee.fn.EXISTS(Installation.select(peewee.SQL("1")).where(Installation.paused_at.is_null(False)))
    is_paused = App.paused_at.is_null(False) | everything
    of_ours = App.id.in_({job.app_id for job in jobs}) & (is_paused | App.restored_at.is_null(False))
    of_apps = {app_id: Hold.PAUSED if paused else Hold.RESTORED for app_id, paused in _whether(is_paused, of_ours)}
    of_jobs = {job.id: Hold.PAUSED if job.state == JobState.PAUSED else of_apps.get(job.app_id) for job in jobs}
    return {job_id: hold for job_id, hold in of_jobs.items() if hold is not None}


def paused(jobs: Collection[Job]) -> set[UUID]:
    """Returns which of these jobs are paused: themselves, with their app, or with everything."""
    return {job_id for job_id, hold in holds(jobs).items() if hold is Hold.PAUSED}


def paused_apps(app_ids: Collection[UUID] | None) -> list[App]:
    """Returns the paused ones of these apps, or of all, the most recently paused first."""
    query: Any = App.select().where(App.paused_at.is_null(False))
    if app_ids is not None:
        query = query.where(App.id.in_(sorted(app_ids)))
    return list(query.order_by(App.paused_at.desc(), App.id))


def everything_paused_at() -> datetime | None:
    """Returns since when everything is paused; None if it is not."""
    since: datetime | None = Installation.get_by_id(1).paused_at
    return since


def set_everything(paused_at: datetime | None, until: datetime | None = None) -> None:
    """Pause everything, up to an instant or until it is resumed; or resume it."""
    Installation.update(paused_at=paused_at).execute()
    pause_ends.put(Paused.EVERYTHING, pause_ends.EVERYTHING, until)
    changes.note(apps=[changes.EVERY_APP])


def set_app(app: App, paused_at: datetime | None, now: datetime, until: datetime | None = None) -> None:
    """Pause an app, up to an instant or until it is resumed; or resume it."""
    app.paused_at = paused_at
    App.update(paused_at=paused_at, updated_at=now).where(App.id == app.id).execute()
    pause_ends.put(Paused.APP, app.id, until)
    changes.note(apps=[app.id])


def unsettled(app_id: UUID | None, held_by: Hold | None, limit: int) -> list[tuple[UUID, UUID]]:
    """Returns due runs of an app, or of all, whose hold does not match the pauses, each with its job.

    Given no hold: runs without one that are paused; given the hold of a pause: runs that are no longer paused.
    """
    everything = peewee.fn.EXISTS(Installation.select(peewee.SQL("1")).where(Installation.paused_at.is_null(False)))
    is_paused = (Job.state == JobState.PAUSED) | App.paused_at.is_null(False) | everything
    due = Run.status == RunStatus.QUEUED
    held = (Run.held_by.is_null() & is_paused) if held_by is None else ((Run.held_by == held_by) & ~is_paused)
    query: Any = Run.select(Run.id, Run.job).join(Job).join(App).where(due, held)
    query = query if app_id is None else query.where(Job.app == app_id)
    return list(query.order_by(Run.job).limit(limit).tuples())


def hold(job_ids: Collection[UUID], now: datetime) -> None:
    """Hold the due runs of these locked jobs, in parts: one statement for all could take too long."""
    for part in _parts(job_ids, (Run.status == RunStatus.QUEUED) & Run.held_by.is_null()):
        hold_runs(part, now)


def hold_runs(run_ids: Collection[UUID], now: datetime, *, skip_locked: bool = False) -> int:
    """Hold the due ones of these runs of locked jobs, optionally only those that no claim has locked.

    Returns how many.
    """
    due = Run.id.in_(list(run_ids)) & (Run.status == RunStatus.QUEUED) & Run.held_by.is_null()
    if skip_locked:
        free = for_update(Run.select(Run.id).where(due).order_by(Run.id), skip_locked=True)
        due &= Run.id.in_([run_id for (run_id,) in free.tuples()])
    held = changes.update_runs_returning_ids(Run.update(held_by=Hold.PAUSED).where(due))
    run_holds.begin(held, now)
    return len(held)


def release(jobs: Collection[Job], held_by: Hold | None, now: datetime) -> list[Run]:
    """Release the runs of these locked jobs that a pause holds; a restore may still hold them.

    Returns the data of those runs that a ring needs.
    """
    due = (Run.status == RunStatus.QUEUED) & (Run.held_by == Hold.PAUSED)
    released: list[Run] = []
    for part in _parts([job.id for job in jobs], due):
        released += release_runs(part, held_by, now)
    return released


def release_runs(run_ids: Collection[UUID], held_by: Hold | None, now: datetime) -> list[Run]:
    """Release those of these runs of locked jobs that a pause holds, as `release` does."""
    due = (Run.status == RunStatus.QUEUED) & (Run.held_by == Hold.PAUSED)
    query = Run.update(held_by=held_by, was_held=True).where(Run.id.in_(list(run_ids)), due).returning(*_OF_A_RING)
    found = list(query.execute())
    run_holds.release([run.id for run in found], held_by, now)
    changes.note(runs=(run.id for run in found))
    return found


def _parts(job_ids: Collection[UUID], condition: Any) -> Iterator[list[UUID]]:
    """Yields the runs of these jobs that meet the condition, as many at a time as one statement should change."""
    for part in chunks(job_ids):
        query: Any = Run.select(Run.id).where(Run.job.in_(part), condition)
        yield from chunks([run_id for (run_id,) in query.tuples()])  # read whole first: rows change meanwhile


def _whether(is_paused: Any, condition: Any) -> list[tuple[UUID, bool]]:
    """Returns these apps, and whether each is paused."""
    query: Any = App.select(App.id, is_paused).where(condition)
    return [(app_id, bool(paused)) for app_id, paused in query.tuples()]
