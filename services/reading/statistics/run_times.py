"""How late runs began, and how long they took: the same figures on every page.

A run is as late as its first attempt began after the run was first due, whatever held it meanwhile. It took what its
last attempt took, or has taken up to now; the waits for retries between attempts are no work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.schedules.recurring import Recurring
from core.states import RunStatus, Trigger
from models import beginnings, database
from models.beginnings import LastAttempt, Made
from services.reading.views import RunView
from services.scheduling import stored_schedule

_REQUESTED = (Trigger.RETRY, Trigger.BACKFILL)


@dataclass(frozen=True)
class RunTimes:
    """How late a run began, how long its last attempt took, and how long it took in all if there were others.

    None where it has not begun. `was_held` is whether it was held before its first attempt.
    """

    delay_seconds: float | None
    was_held: bool
    took_seconds: float | None
    in_all_seconds: float | None


def of_runs(runs: Sequence[RunView], now: datetime) -> Mapping[UUID, RunTimes]:
    """Returns the times of these runs, which the caller has checked that the principal may see."""
    begun = [run for run in runs if run.started_at is not None]
    moved = [run.id for run in begun if run.started_at is not None and run.due_at > run.started_at]
    repeated = [run.id for run in begun if run.attempt_count > 1 or run.status is RunStatus.RETRYING]
    with database.reading():
        made = beginnings.made(moved) if moved else {}
        last = beginnings.last_attempts(repeated) if repeated else {}
        held = beginnings.held_first([run.id for run in begun]) if begun else set()
    return {run.id: _times(run, made.get(run.id), last.get(run.id), now, was_held=run.id in held) for run in runs}


def _times(run: RunView, made: Made | None, last: LastAttempt | None, now: datetime, *, was_held: bool) -> RunTimes:
    if run.started_at is None:
        return RunTimes(None, was_held, None, None)
    delay = max(0.0, (run.started_at - _first_due(run, made)).total_seconds())
    in_all = ((run.finished_at or now) - run.started_at).total_seconds()
    return RunTimes(delay, was_held, _took(run, last, now), in_all if run.attempt_count > 1 else None)


def _first_due(run: RunView, made: Made | None) -> datetime:
    """Returns when the run was due before it was tried again, which moved that."""
    if made is None:
        return run.due_at
    if run.trigger in _REQUESTED:
        return made.created_at
    if run.trigger != Trigger.SCHEDULE:
        return run.scheduled_for
    try:
        schedule = stored_schedule.read(made.schedule)
    except stored_schedule.UNREADABLE:
        return run.scheduled_for
    return schedule.due_at(run.job_id, run.scheduled_for) if isinstance(schedule, Recurring) else run.scheduled_for


def _took(run: RunView, last: LastAttempt | None, now: datetime) -> float:
    if run.claimed_at is not None:
        return (now - run.claimed_at).total_seconds()
    if last is None:
        return ((run.finished_at or now) - (run.started_at or now)).total_seconds()
    return ((last.finished_at or run.finished_at or now) - last.started_at).total_seconds()
