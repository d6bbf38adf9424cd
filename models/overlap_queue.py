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
from models.tables import Run

# As the index has it, to the letter.
_WAITS_FOR_TURN = peewee.SQL("held_by = 'overlap'")


def ready_jobs(limit: int) -> list[UUID]:
    """Returns jobs that have a run waiting for its turn, and nothing else going."""
    other: Any = Run.alias()
    going = other.status.in_(GOING) & (other.held_by.is_null() | (other.held_by != Hold.OVERLAP))
    busy = other.select(peewee.SQL("1")).where(other.job == Run.job, filtering.LIVE, going)
    query = Run.select(Run.job).where(_WAITS_FOR_TURN, ~peewee.fn.EXISTS(busy)).distinct().limit(limit)
    return [run.job_id for run in query]


def waiting_for_turn(job_ids: Collection[UUID]) -> list[Run]:
    """Returns the runs of these locked jobs that wait for their turn, in the order of their instants."""
    if not job_ids:
        return []
    query = Run.select().where(_WAITS_FOR_TURN, Run.job.in_(list(job_ids))).order_by(Run.scheduled_for, Run.id)
    return list(for_update(query))


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
    """Cancel the occurrences that these locked jobs have going: at once, or asking what runs to stop.

    Runs on request (a trigger, a retry, a backfill) go on.
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
    locked = for_update(Run.select(Run.id).where(running).order_by(Run.id)).cte("locked")  # as heartbeats lock them
    asked: Any = Run.update(cancel_requested_at=now, reason=reason).with_cte(locked)
    changes.update_runs(asked.where(Run.id.in_(peewee.Select((locked,), (locked.c.id,)))))
