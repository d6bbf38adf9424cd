"""Queries on the overlap queue: runs that wait for their turn."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.states import GOING, Hold, RunStatus, Trigger
from models import changes, deferred, filtering, run_holds, set_based
from models.database import for_update
from models.tables import Job, Run

# Exactly the condition of the index.
_WAITS_FOR_TURN = peewee.SQL("held_by = 'overlap'")


def ready_jobs(limit: int) -> list[UUID]:
    """Returns jobs that have a run waiting for its turn, and no other run going."""
    other: Any = Run.alias()
    going = other.status.in_(GOING) & (other.held_by.is_null() | (other.held_by != Hold.OVERLAP))
    busy = other.select(peewee.SQL("1")).where(other.job == Run.job, filtering.LIVE, going)
    query = Run.select(Run.job).where(_WAITS_FOR_TURN, ~peewee.fn.EXISTS(busy)).distinct().limit(limit)
    return [run.job_id for run in query]


def have_waiting_occurrence(job_ids: Collection[UUID]) -> set[UUID]:
    """Returns which of these jobs have an occurrence of their schedule waiting for its turn."""
    if not job_ids:
        return set()
    occurs = Run.trigger == Trigger.SCHEDULE
    query = Run.select(Run.job).where(_WAITS_FOR_TURN, Run.job.in_(list(job_ids)), occurs).distinct()
    return {run.job_id for run in query}


def lock_next(job_ids: Collection[UUID], overlapping: Collection[UUID] = ()) -> list[Run]:
    """Lock the longest waiting run of each of these locked jobs, and of `overlapping` jobs every one that waits.

    Returns them in the order of their instants. However many wait, for a job without overlap one is read.
    """
    ids = list(overlapping)
    next_ids = _next_ids(set(job_ids) - set(ids))
    if not (ids or next_ids):
        return []
    wanted = Run.id.in_(next_ids)
    query = Run.select().where(_WAITS_FOR_TURN, (wanted | Run.job.in_(ids)) if ids else wanted)
    return list(for_update(query.order_by(Run.scheduled_for, Run.id)))


def _next_ids(job_ids: Collection[UUID]) -> list[Any]:
    """Returns the longest waiting run of each job, by its id as the database stores it."""
    if not job_ids:
        return []
    waiting: Any = Run.alias()
    longest = waiting.select(waiting.id).where(_WAITS_FOR_TURN, waiting.job == Job.id)
    longest = longest.order_by(waiting.scheduled_for, waiting.id).limit(1)
    query: Any = Job.select(longest.alias("run_id")).where(Job.id.in_(list(job_ids)))
    return [run_id for (run_id,) in query.tuples() if run_id is not None]


def busy(job_ids: Collection[UUID]) -> set[UUID]:
    """Returns which of these jobs have a run going that does not wait for its turn."""
    going = Run.status.in_(GOING) & (Run.held_by.is_null() | (Run.held_by != Hold.OVERLAP))
    query = Run.select(Run.job).where(Run.job.in_(list(job_ids)), filtering.LIVE, going).distinct()
    return {run.job_id for run in query}


def leave(turns: Collection[tuple[Run, Hold | None]], now: datetime) -> None:
    """Take locked runs out of the overlap queue; a pause may still hold them."""
    for run, held_by in turns:
        run.held_by, run.was_held = held_by, True
    set_based.update(Run.id, ((run.id, {"held_by": held_by, "was_held": True}) for run, held_by in turns))
    run_holds.end([run.id for run, _ in turns], now)
    run_holds.begin([run.id for run, held_by in turns if held_by is not None], now)
    changes.note(runs=(run.id for run, _ in turns))


def outlasting(job_ids: Collection[UUID]) -> set[UUID]:
    """Returns which of these jobs have a run going that `cancel_occurrences` would not end at once."""
    if not job_ids:
        return set()
    nobody_at_it = Run.status.in_((RunStatus.QUEUED, RunStatus.RETRYING)) | Run.reports_until.is_null(False)
    ends_at_once = (Run.trigger == Trigger.SCHEDULE) & nobody_at_it
    query = Run.select(Run.job).where(Run.job.in_(list(job_ids)), filtering.LIVE, Run.status.in_(GOING), ~ends_at_once)
    return {run.job_id for run in query.distinct()}


def lock_counted(job_ids: Collection[UUID]) -> list[Run]:
    """Lock the occurrences of these locked jobs that count against `max_runs` and have not begun. Returns them."""
    if not job_ids:
        return []
    counted = (Run.trigger == Trigger.SCHEDULE) & (Run.held_by.is_null() | (Run.held_by != Hold.OVERLAP))
    not_begun = (Run.status == RunStatus.QUEUED) & (Run.attempt_count == 0)
    query = Run.select(Run.id, Run.job).where(Run.job.in_(list(job_ids)), filtering.LIVE, counted, not_begun)
    return list(for_update(query.order_by(Run.id)))


def cancel_occurrences(job_ids: Collection[UUID], reason: str, now: datetime) -> None:
    """Cancel the occurrences of these locked jobs that are going: at once, or by asking running ones to stop.

    Runs on request (a trigger, a retry, a backfill) continue.
    """
    if not job_ids:
        return
    of_jobs = Run.job.in_(list(job_ids)) & (Run.trigger == Trigger.SCHEDULE)
    ended: dict[str, Any] = {
        "status": RunStatus.CANCELLED,
        "held_by": None,
        "reason": reason,
        "finished_at": now,
    }
    changes.update_runs(Run.update(ended).where(of_jobs, Run.status.in_((RunStatus.QUEUED, RunStatus.RETRYING))))
    deferred.cancel(of_jobs, reason, now)
    running = of_jobs & (Run.status == RunStatus.RUNNING) & Run.cancel_requested_at.is_null()
    locked = for_update(Run.select(Run.id).where(running).order_by(Run.id)).cte("locked")  # as heartbeats do
    asked: Any = Run.update(cancel_requested_at=now, reason=reason).with_cte(locked)
    changes.update_runs(asked.where(Run.id.in_(peewee.Select((locked,), (locked.c.id,)))))
