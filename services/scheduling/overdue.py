"""Periodic passes over due runs: age priorities, record missed deadlines, flag late starts. Each pass is bounded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from core.alerting import HealthEvent
from core.attempt_endings import TOO_LATE
from core.instants import shown
from core.states import JobState, RunStatus
from models import database, jobs, overdue, runs
from models.pauses import Gate
from models.tables import Job, Run
from services.alerts import noting
from services.runtime.batching import Pass, Work, free_in_parts, look_past_locked
from services.scheduling import run_endings
from services.system import System

BATCH = 1_000
_TOO_LATE_IN_WORDS = "its deadline passed before it was run"
log = structlog.get_logger()


def age(system: System) -> int:
    """Raise the priority of due runs for each `AGEING_SECONDS` of waiting, so that none starves. Returns how many."""
    with system.transaction(Gate.UNUSED) as unit:
        now = unit.now
        aged = overdue.to_age(now - timedelta(seconds=system.settings.ageing_seconds), BATCH)
        overdue.age(aged, now)
    return len(aged)


def watch_deadlines(system: System) -> int:
    """Record deadlines that have passed, and drop runs with `expire` that are not running. Returns how many passed."""
    now = system.clock.now()
    return _watch(partial(overdue.past_deadline, now, BATCH), partial(_record_passed, system, now))


def watch_late(system: System) -> int:
    """Mark runs that have been due for long and not begun, once each. Returns how many; held runs are never late."""
    now = system.clock.now()
    due_before = now - timedelta(seconds=system.settings.late_seconds)
    return _watch(partial(overdue.late, due_before, BATCH), partial(_record_late, system, now))


def _watch(find: Callable[[Collection[UUID]], list[UUID]], work: Work[UUID]) -> int:
    """Carry out `work` on the runs that a query finds, without those of given jobs. Returns how many."""

    def look(without: Collection[UUID]) -> list[UUID]:
        with database.reading():
            return find(without)

    return look_past_locked(look, partial(free_in_parts, work), BATCH)


def _record_passed(system: System, now: datetime, run_ids: Sequence[UUID], *, waits_for_locks: bool) -> Pass[UUID]:
    """Record that the deadlines of these runs have passed, and drop those that must no longer begin."""
    with system.transaction(Gate.UNUSED):
        locked, found, passed_over = _lock_jobs(run_ids, waits_for_locks=waits_for_locks)
        passed = overdue.lock_past_deadline(found, now)
        dropped = {run.id: run for run in passed if run.expire and run.status != RunStatus.RUNNING}
        _drop(dropped.values(), now)
        overdue.record_missed([run.id for run in passed if run.id not in dropped], now)
        _end_jobs([locked[job_id] for job_id in {run.job_id for run in dropped.values()}], now)
        noting.note(((locked[run.job_id], _too_late(run)) for run in passed), now)
    for run in passed:
        log.warning("deadline_missed", run_id=str(run.id), job_id=str(run.job_id), dropped=run.id in dropped)
    return Pass(len(passed), passed_over)


def _record_late(system: System, now: datetime, run_ids: Sequence[UUID], *, waits_for_locks: bool) -> Pass[UUID]:
    """Mark as late those of these runs that no worker has begun meanwhile."""
    with system.transaction(Gate.UNUSED):
        locked, found, passed_over = _lock_jobs(run_ids, waits_for_locks=waits_for_locks)
        late = overdue.lock_late(found)
        overdue.record_late([run.id for run in late], now)
        noting.note(((locked[run.job_id], _not_begun(run)) for run in late), now)
    if late:
        log.warning("runs_late", count=len(late))
    return Pass(len(late), passed_over)


def _lock_jobs(
    run_ids: Sequence[UUID], *, waits_for_locks: bool
) -> tuple[dict[UUID, Job], list[UUID], dict[UUID, list[UUID]]]:
    """Lock the jobs of these runs briefly. Returns the jobs, their runs, and by job the runs that are passed over."""
    by_job = runs.by_job(run_ids)
    locked, passed_over = jobs.lock_briefly(by_job.keys(), waits_for_locks=waits_for_locks)
    found = [run_id for job_id in locked for run_id in by_job[job_id]]
    return locked, found, {job_id: by_job[job_id] for job_id in passed_over}


def _not_begun(run: Run) -> HealthEvent:
    return HealthEvent(None, late=True, words=f"Run {run.id} was due at {shown(run.due_at)}, and no worker took it.")


def _too_late(run: Run) -> HealthEvent:
    return HealthEvent(None, late=True, words=f"The deadline of run {run.id}, {shown(run.deadline_at)}, has passed.")


def _end_jobs(candidates: Sequence[Job], now: datetime) -> None:
    """End those of these jobs that have no more runs to come."""
    run_endings.end_if_over(((job, JobState.FAILED) for job in candidates), now)
    jobs.explain_ends({job.id: _TOO_LATE_IN_WORDS for job in candidates if job.state is JobState.FAILED})


def _drop(dropped: Collection[Run], now: datetime) -> None:
    """End runs whose deadline has passed: those never tried as missed, the others as failed."""
    end = {"reason": TOO_LATE, "finished_at": now, "held_by": None}
    never_tried = [run.id for run in dropped if run.attempt_count == 0]
    tried = [run.id for run in dropped if run.attempt_count > 0]
    overdue.record_missed(never_tried, now, status=RunStatus.MISSED, **end)
    overdue.record_missed(tried, now, status=RunStatus.FAILED, **end)
