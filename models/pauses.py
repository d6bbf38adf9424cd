"""Pauses of a whole app or of everything, and the gate between them and all that makes runs claimable.

Whoever makes runs claimable shares the gate, reads what is paused and holds those runs; whoever pauses closes it
first. So no run slips through between the reading and the commit. The gate comes before the locks of jobs and runs.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.states import Hold, JobState, RunStatus
from models import changes, run_holds
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
    CLOSED = f"SELECT pg_advisory_xact_lock({GATE})"  # nobody shares it meanwhile


def holds(jobs: Collection[Job]) -> dict[UUID, Hold]:
    """Returns what keeps runs of these jobs from being claimed, by job: a pause or, without one, a restore.

    A pause is of the job, its app or everything.
    """
    everything = peewee.fn.EXISTS(Installation.select(peewee.SQL("1")).where(Installation.paused_at.is_null(False)))
    is_paused = App.paused_at.is_null(False) | everything
    of_ours = App.id.in_({job.app_id for job in jobs}) & (is_paused | App.restored_at.is_null(False))
    of_apps = {app_id: Hold.PAUSED if paused else Hold.RESTORED for app_id, paused in _whether(is_paused, of_ours)}
    of_jobs = {job.id: Hold.PAUSED if job.state == JobState.PAUSED else of_apps.get(job.app_id) for job in jobs}
    return {job_id: hold for job_id, hold in of_jobs.items() if hold is not None}


def paused(jobs: Collection[Job]) -> set[UUID]:
    """Returns which of these jobs are paused: by themselves, with their app, or with everything."""
    return {job_id for job_id, hold in holds(jobs).items() if hold is Hold.PAUSED}


def everything_paused_at() -> datetime | None:
    """Returns since when everything is paused; None if it is not."""
    since: datetime | None = Installation.get_by_id(1).paused_at
    return since


def set_everything(paused_at: datetime | None) -> None:
    """Pause everything, or resume it."""
    Installation.update(paused_at=paused_at).execute()
    changes.note(apps=[changes.EVERY_APP])


def set_app(app: App, paused_at: datetime | None, now: datetime) -> None:
    """Pause an app, or resume it."""
    app.paused_at = paused_at
    App.update(paused_at=paused_at, updated_at=now).where(App.id == app.id).execute()
    changes.note(apps=[app.id])


def lock_with_due_runs(app: App | None, held_by: Hold | None) -> list[Job]:
    """Lock the jobs (of an app, or all) that have a due run with this hold, in the order of their ids. Returns them."""
    due = Run.status == RunStatus.QUEUED
    held = Run.held_by.is_null() if held_by is None else Run.held_by == held_by
    query = Job.select(Job.id, Job.app, Job.state).where(Job.id.in_(Run.select(Run.job).where(due, held)))
    if app is not None:
        query = query.where(Job.app == app.id)
    return list(for_update(query.order_by(Job.id)))


def hold(job_ids: Collection[UUID], now: datetime) -> None:
    """Take the due runs of these locked jobs out of the claim, in parts: one statement for all could take too long."""
    due = (Run.status == RunStatus.QUEUED) & Run.held_by.is_null()
    for part in _parts(job_ids, due):
        held = changes.updated_runs(Run.update(held_by=Hold.PAUSED).where(Run.id.in_(part), due))
        run_holds.begin(held, now)


def release(jobs: Collection[Job], held_by: Hold | None, now: datetime) -> list[Run]:
    """Release the runs of these locked jobs that a pause holds; a restore may still hold them.

    Returns of those runs what a ring needs.
    """
    due = (Run.status == RunStatus.QUEUED) & (Run.held_by == Hold.PAUSED)
    released: list[Run] = []
    for part in _parts([job.id for job in jobs], due):
        query = Run.update(held_by=held_by, was_held=True).where(Run.id.in_(part), due).returning(*_OF_A_RING)
        found = list(query.execute())
        run_holds.release([run.id for run in found], held_by, now)
        released += found
    changes.note(runs=(run.id for run in released))
    return released


def _parts(job_ids: Collection[UUID], condition: Any) -> Iterator[list[UUID]]:
    """Yields the runs of these jobs that meet the condition, as many at a time as a statement is to change."""
    for part in chunks(job_ids):
        query: Any = Run.select(Run.id).where(Run.job.in_(part), condition)
        yield from chunks([run_id for (run_id,) in query.tuples()])  # read whole: what is yielded is changed meanwhile


def _whether(is_paused: Any, condition: Any) -> list[tuple[UUID, bool]]:
    """Returns these apps, and whether each is paused."""
    query: Any = App.select(App.id, is_paused).where(condition)
    return [(app_id, bool(paused)) for app_id, paused in query.tuples()]
