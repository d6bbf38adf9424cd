"""Plan: rows for the coming occurrences, made before they are due, each exactly once.

`core.planning` decides which occurrences get a row; this module makes the rows, and moves the watermarks of the jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple, Protocol

import structlog

from core import schedules
from core.alerting import HealthEvent
from core.instants import shown
from core.occurrences import CatchUpPolicy, Missed
from core.planning import plan_occurrences
from core.policies import CatchUp
from core.schedules import Recurring, Schedule
from core.states import JobState, RunStatus, Trigger
from models import database, edits, jobs, pauses, runs
from models.pauses import Gate
from models.runs import NewRun
from models.tables import Job
from services.alerts import noting
from services.runtime import events
from services.scheduling import run_endings, stored_schedule
from services.system import System

BATCH = 200
MOST = 5_000  # occurrences of one job in one pass
PASS_ROWS = 5_000
PASS_SECONDS = 1.0
PUT_OFF = timedelta(minutes=10)

log = structlog.get_logger()


class Plannable(runs.Runnable, Protocol):
    """A job, stored or new, with what decides which of its occurrences get a run."""

    @property
    def catch_up(self) -> CatchUp: ...
    @property
    def catch_up_window_seconds(self) -> float: ...


class Planned(NamedTuple):
    """The runs to store for a job, and its watermark after them."""

    rows: list[NewRun]
    next_run_at: datetime | None = None


@dataclass(frozen=True)
class Plan:
    """What is planned for a stored job; one that is put off keeps its watermark."""

    job: Job
    rows: list[NewRun]
    next_run_at: datetime | None = None
    is_put_off: bool = False


def plan(system: System) -> int:
    """Plan the occurrences within the planning window for one batch of jobs. Returns how many jobs were planned.

    A pass ends after a second or some thousands of rows, and leaves out jobs that another process is planning: call
    it again until nothing is planned.
    """
    now = system.clock.now()
    late_before = now - timedelta(seconds=system.settings.late_seconds)
    with system.transaction(Gate.UNUSED):
        plans = _plan_batch(system, now)
        if database.attempt(partial(_store, plans, now, late_before)) is not None:
            _store_or_put_off(plans, now, late_before)
    return len(plans)


def plan_first(job: Plannable, schedule: Schedule, now: datetime, horizon: datetime) -> Planned:
    """Plan the runs to store with a new job. Writes nothing."""
    if isinstance(schedule, Recurring):
        return _plan_from(next(schedule.preview(now), None), job, schedule, now, horizon)
    first = next(schedule.upcoming(now))
    trigger = Trigger.POLL if isinstance(schedule, schedules.Polling) else Trigger.SCHEDULE
    return Planned([runs.draft(job, trigger, first, now)])


def replan(job: Job, schedule: Recurring, now: datetime, horizon: datetime) -> list[NewRun]:
    """Returns the runs to store for a locked job's new schedule from now on, in place of those planned before.

    Runs whose instant has come stay unchanged. Moves the job's watermark.
    """
    edits.delete_planned(job, now)
    last = runs.latest_scheduled_for(job.id, Trigger.SCHEDULE)
    watermark = next(schedule.upcoming(max(now, last or now)), None)
    replanned = _plan_from(watermark, job, schedule, now, horizon)
    jobs.set_next_runs([(job, replanned.next_run_at)])
    return replanned.rows


def plan_until_now(job: Job, now: datetime) -> None:
    """Store the missing runs of a locked job for instants that have come; call it before the schedule is replaced.

    Runs that the database refuses are left out, so that an edit can fix the cause.
    """
    with suppress(*stored_schedule.UNREADABLE):
        while job.next_run_at is not None and job.next_run_at <= now:
            owed = _plan_on(job, now, now)
            if error := database.attempt(partial(runs.insert, owed.rows)):
                log.error("plan_refused", job_id=str(job.id), exc_info=error)
            jobs.set_next_runs([(job, owed.next_run_at)])


def _plan_batch(system: System, now: datetime) -> list[Plan]:
    """Plan one job after the other, until the pass has used up its time or its rows."""
    horizon = now + timedelta(seconds=system.settings.plan_ahead_seconds)
    until = system.clock.monotonic() + PASS_SECONDS
    plans: list[Plan] = []
    made = 0
    for job in jobs.lock_to_plan(now, horizon, BATCH):
        plans.append(_plan_or_put_off(job, now, horizon))
        made += len(plans[-1].rows)
        if made >= PASS_ROWS or system.clock.monotonic() >= until:
            break
    return plans


def _plan_or_put_off(job: Job, now: datetime, horizon: datetime) -> Plan:
    """Plan a locked job; if its schedule can no longer be read, put it off, so that it does not block others.

    Its watermark stays: once the schedule can be read, the catch-up policy decides about what has come due meanwhile.
    """
    try:
        return _plan_on(job, now, horizon)
    except stored_schedule.UNREADABLE:
        log.exception("schedule_unreadable", job_id=str(job.id), schedule=job.schedule)
        return Plan(job, [], is_put_off=True)


def _plan_on(job: Job, now: datetime, horizon: datetime) -> Plan:
    """Plan a job by its stored schedule, from its watermark on."""
    schedule = stored_schedule.read(job.schedule)
    if not isinstance(schedule, Recurring):
        raise TypeError(f"job {job.id} has next_run_at, but its schedule does not recur")
    return Plan(job, *_plan_from(job.next_run_at, job, schedule, now, horizon))


def _plan_from(
    watermark: datetime | None, job: Plannable, schedule: Recurring, now: datetime, horizon: datetime
) -> Planned:
    policy = CatchUpPolicy(job.catch_up, job.catch_up_window_seconds)
    due_at = partial(schedule.due_at, job.id)
    planned = plan_occurrences(schedule, watermark, now, horizon, policy, due_at=due_at, most=MOST)
    missed = [_missed_row(job, one, due_at(one.instant), now) for one in planned.missed]
    to_run = [_row(job, instant, due_at(instant), now) for instant in planned.to_run]
    count = {"planned": len(to_run), "missed": sum(one.count for one in planned.missed)}
    database.after_commit(partial(events.emit, "occurrences.planned", **count))
    return Planned([*missed, *to_run], planned.next_run_at)


def _store(plans: Sequence[Plan], now: datetime, late_before: datetime) -> None:
    """Store the rows of these plans, note alerts for late ones, move the watermarks, and end jobs that are over."""
    late = _late(plans, late_before)
    ids = {row["id"] for row in late}
    runs.insert([row | {"late_at": now} if row["id"] in ids else row for one in plans for row in one.rows])
    jobs_by_id = {one.job.id: one.job for one in plans}
    noting.note(((jobs_by_id[row["job"]], _lateness(row)) for row in late), now)
    jobs.set_next_runs([(one.job, one.next_run_at) for one in plans if not one.is_put_off])
    _put_off([one.job for one in plans if one.is_put_off], now)
    run_endings.end_if_over([(one.job, JobState.COMPLETED) for one in plans], now)


def _store_or_put_off(plans: Sequence[Plan], now: datetime, late_before: datetime) -> None:
    """Store these plans one by one; put off a job whose rows the database refuses, so that it does not block others."""
    stored = jobs.lock(one.job.id for one in plans)  # the jobs in memory may show what was rolled back
    for one in plans:
        job = stored[one.job.id]
        error = database.attempt(partial(_store, [replace(one, job=job)], now, late_before))
        if error is not None:
            log.error("plan_refused", job_id=str(job.id), exc_info=error)
            _put_off([job], now)


def _put_off(some: Sequence[Job], now: datetime) -> None:
    if some:
        jobs.put_off([job.id for job in some], now + PUT_OFF)
        database.after_commit(partial(events.emit, "jobs.put_off", count=len(some)))


def _row(job: Plannable, instant: datetime, due_at: datetime, now: datetime) -> NewRun:
    return runs.draft(job, Trigger.SCHEDULE, instant, now, status=RunStatus.PENDING, due_at=due_at)


def _missed_row(job: Plannable, missed: Missed, due_at: datetime, now: datetime) -> NewRun:
    return runs.draft(
        job,
        Trigger.SCHEDULE,
        missed.instant,
        now,
        status=RunStatus.MISSED,
        due_at=due_at,
        reason=missed.reason,
        finished_at=now,
        occurrences=missed.count,
    )


def _late(plans: Sequence[Plan], late_before: datetime) -> list[NewRun]:
    """Returns the rows of these plans that are missed or late, except those of paused jobs."""
    late = [row for one in plans for row in one.rows if _is_late(row, late_before)]
    of_late = {row["job"] for row in late}
    paused = pauses.paused([one.job for one in plans if one.job.id in of_late]) if late else set()
    return [row for row in late if row["job"] not in paused]


def _is_late(row: NewRun, late_before: datetime) -> bool:
    return bool(row["status"] == RunStatus.MISSED or row["due_at"] < late_before)


def _lateness(row: NewRun) -> HealthEvent:
    what = "was missed" if row["status"] == RunStatus.MISSED else "is run late"
    return HealthEvent(None, late=True, words=f"The occurrence of {shown(row['scheduled_for'])} {what}.")
