"""Plan: rows for the coming occurrences, made before they are due, each exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

import structlog

from core import schedules
from core.alerting import Event
from core.occurrences import LATE_AFTER, CatchUpPolicy, Missed, sort_out
from core.schedules import Recurring
from core.states import JobState, RunStatus, Trigger
from models import edits, jobs, pauses, runs
from models.pauses import Gate
from models.tables import Job
from services.alerts import noting
from services.scheduling import run_endings, stored_schedule
from services.system import System

BATCH = 200
MOST = 5_000  # occurrences of one job in one pass
PASS_ROWS = 5_000
PASS_SECONDS = 1.0
PARKED = timedelta(minutes=10)
log = structlog.get_logger()
_JUST_BEFORE = timedelta(microseconds=1)


def plan(system: System) -> int:
    """Make rows for what comes within the planning window, for one batch of jobs; how many jobs were planned.

    A pass ends after a second or some thousands of rows, and a job that another process plans at this moment is left
    to it: call again until nothing is planned.
    """
    now = system.clock.now()
    horizon = now + timedelta(seconds=system.settings.plan_ahead_seconds)
    until = system.clock.monotonic() + PASS_SECONDS
    planned: list[Job] = []
    rows: list[dict[str, Any]] = []
    with system.transaction(Gate.UNUSED):
        for job in jobs.lock_to_plan(horizon, BATCH):
            rows += _plan_or_park(job, now, horizon)
            planned.append(job)
            if len(rows) >= PASS_ROWS or system.clock.monotonic() >= until:
                break
        _note_late(planned, rows, now, now - timedelta(seconds=system.settings.late_seconds))
        runs.insert(rows)
        jobs.set_next_runs(planned)
        run_endings.end_if_over(((job, JobState.COMPLETED) for job in planned), now)
    return len(planned)


def first_rows(job: Job, schedule: schedules.Schedule, now: datetime, horizon: datetime) -> list[dict[str, Any]]:
    """The runs to store with a new job; sets `job.next_run_at` where there is more to plan later. Writes nothing."""
    if schedules.comes_back(schedule):
        job.next_run_at = next(schedules.preview(schedule, now), None)
        return _next_rows(job, now, horizon) if job.next_run_at else []
    first = next(schedules.upcoming(schedule, now))
    trigger = Trigger.POLL if isinstance(schedule, schedules.Polling) else Trigger.SCHEDULE
    return [runs.draft(job, trigger, first, now)]


def replan(job: Job, schedule: schedules.Schedule, now: datetime, horizon: datetime) -> list[dict[str, Any]]:
    """The runs to store for what a locked job's new schedule names from now on, in place of those planned before.

    What was meant for an instant that has come stays as it is; moves the job's watermark.
    """
    edits.delete_planned(job, now)
    last = runs.latest_scheduled_for(job.id, Trigger.SCHEDULE)
    job.next_run_at = next(schedules.upcoming(schedule, max(now, last or now)), None)
    rows = _next_rows(job, now, horizon) if job.next_run_at else []
    jobs.set_next_runs([job])
    return rows


def _note_late(planned: Sequence[Job], rows: Sequence[dict[str, Any]], now: datetime, due_before: datetime) -> None:
    """Note alerts for occurrences that were missed or are caught up late, except those of a paused job."""
    late = [row for row in rows if row["status"] == RunStatus.MISSED or row["due_at"] < due_before]
    affected = {job.id: job for job in planned if job.id in {row["job"] for row in late}}
    paused = pauses.paused(list(affected.values())) if affected else set()
    told = [row for row in late if row["job"] not in paused]
    for row in told:
        row["late_at"] = now
    noting.note(((affected[row["job"]], _late(row)) for row in told), now)


def _late(row: dict[str, Any]) -> Event:
    what = "was missed" if row["status"] == RunStatus.MISSED else "is run late"
    return Event(None, late=True, words=f"The occurrence of {row['scheduled_for'].isoformat()} {what}.")


def plan_until_now(job: Job, now: datetime) -> None:
    """Make the rows that a locked job's schedule owes for instants that have come: before it is replaced."""
    with suppress(*stored_schedule.UNREADABLE):
        while job.next_run_at is not None and job.next_run_at <= now:
            runs.insert(_next_rows(job, now, now))
            jobs.set_next_runs([job])


def _plan_or_park(job: Job, now: datetime, horizon: datetime) -> list[dict[str, Any]]:
    """Plan a locked job; one whose schedule can no longer be read is put off, so that it holds up nobody else."""
    try:
        return _next_rows(job, now, horizon)
    except stored_schedule.UNREADABLE:
        log.exception("schedule_unreadable", job_id=str(job.id), schedule=job.schedule)
        job.next_run_at = now + PARKED
        return []


def _next_rows(job: Job, now: datetime, horizon: datetime) -> list[dict[str, Any]]:
    """Rows from `job.next_run_at` up to the horizon, or as many as one pass takes; sets `job.next_run_at` anew."""
    schedule = _recurring(job)
    just_before = job.next_run_at - _JUST_BEFORE
    named = list(islice(takewhile(lambda instant: instant <= horizon, schedules.upcoming(schedule, just_before)), MOST))
    policy = CatchUpPolicy(job.catch_up, job.catch_up_window_seconds)
    job.next_run_at = next(schedules.upcoming(schedule, named[-1] if named else just_before), None)
    late_follow = job.next_run_at is not None and job.next_run_at < now - LATE_AFTER
    sorted_out = sort_out(named, now, policy, more_follow=late_follow)
    rows = [_missed_row(job, missed, now) for missed in sorted_out.missed]
    rows += [
        runs.draft(
            job,
            Trigger.SCHEDULE,
            instant,
            now,
            status=RunStatus.PENDING,
            due_at=schedule.due_at(job.id, instant),
        )
        for instant in sorted_out.to_run
    ]
    return rows


def _recurring(job: Job) -> Recurring:
    schedule = stored_schedule.read(job.schedule)
    if not isinstance(schedule, Recurring):
        raise TypeError(f"job {job.id} has next_run_at, but its schedule does not come back")
    return schedule


def _missed_row(job: Job, missed: Missed, now: datetime) -> dict[str, Any]:
    return runs.draft(
        job,
        Trigger.SCHEDULE,
        missed.instant,
        now,
        status=RunStatus.MISSED,
        reason=missed.reason,
        finished_at=now,
        occurrences=missed.count,
    )
