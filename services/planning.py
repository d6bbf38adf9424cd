"""Plan: rows for the coming occurrences, made before they are due, each exactly once."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from core import schedules
from core.occurrences import sort_out
from core.states import JobState, RunStatus, Trigger
from models import database, jobs, runs
from models.tables import Job
from services import settling, specifications
from services.system import System

BATCH = 200


def plan(system: System) -> int:
    """Make rows for what comes within the planning window, one batch of jobs; how many jobs it took.

    A job whose row another process is planning at this moment is left to it. Call again while batches are full.
    """
    now = system.clock.now()
    horizon = now + timedelta(seconds=system.settings.plan_ahead_seconds)
    with database.transaction():
        batch = jobs.lock_to_plan(horizon, BATCH)
        rows = [row for job in batch for row in _plan_job(job, now, horizon)]
        runs.insert(rows)
        settling.end_if_over(((job, JobState.COMPLETED) for job in batch), now)
    return len(batch)


def first_rows(job: Job, schedule: schedules.Schedule, now: datetime, horizon: datetime) -> list[dict[str, Any]]:
    """The runs to store with a new job; sets `job.next_run_at` where there is more to plan later."""
    if schedules.comes_back(schedule):
        job.next_run_at = next(schedules.upcoming(schedule, now), None)
        return _plan_job(job, now, horizon) if job.next_run_at else []
    first = next(schedules.upcoming(schedule, now))
    trigger = Trigger.POLL if isinstance(schedule, schedules.Polling) else Trigger.SCHEDULE
    return [runs.draft(job, trigger, first, now)]


def _plan_job(job: Job, now: datetime, horizon: datetime) -> list[dict[str, Any]]:
    """Rows for a locked job's occurrences up to the horizon; moves its watermark past them."""
    schedule = specifications.read(job.schedule)
    watermark: datetime = job.next_run_at
    instants = schedules.upcoming(schedule, watermark - timedelta(microseconds=1))
    named = list(takewhile(lambda instant: instant <= horizon, instants))
    sorted_out = sort_out(named, now)
    rows = [_missed_row(job, instant, count, now) for instant, count in sorted_out.missed]
    rows += [runs.draft(job, Trigger.SCHEDULE, instant, now, status=RunStatus.PENDING) for instant in sorted_out.to_run]
    after = named[-1] if named else watermark - timedelta(microseconds=1)
    job.next_run_at = next(schedules.upcoming(schedule, after), None)
    jobs.set_next_run(job, job.next_run_at)
    return rows


def _missed_row(job: Job, instant: datetime, count: int, now: datetime) -> dict[str, Any]:
    return runs.draft(
        job,
        Trigger.SCHEDULE,
        instant,
        now,
        status=RunStatus.MISSED,
        reason="planned more than 60 s late; a later occurrence ran in its place",
        finished_at=now,
        occurrences=count,
    )
