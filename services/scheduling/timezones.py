"""Time-zone data: one edition for all processes; coming occurrences are computed again when a newer one comes."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
import tzdata

from core.schedules import Recurring
from core.states import JobState, Trigger
from models import database, jobs, runs, timezones
from models.pauses import Gate
from models.tables import Job
from services.scheduling import run_endings, stored_schedule
from services.system import System

EDITION: str = tzdata.IANA_VERSION
BATCH = 500
_JUST_BEFORE = timedelta(microseconds=1)
log = structlog.get_logger()


def refresh(system: System) -> int:
    """Compute all coming occurrences again if the data has changed since the last call. Returns how many jobs it read.

    Runs that are planned already stay unchanged. Safe to repeat and to interrupt.
    """
    with database.reading():
        if timezones.edition() == EDITION:
            return 0
    count, after = 0, None
    while batch := _refresh_batch(system, after):
        count, after = count + len(batch), batch[-1]
    with system.transaction(Gate.UNUSED):
        timezones.set_edition(EDITION)
    log.info("timezone_data", edition=EDITION, jobs=count)
    return count


def _refresh_batch(system: System, after: UUID | None) -> list[UUID]:
    with system.transaction(Gate.UNUSED) as unit:
        now = unit.now
        job_ids = timezones.with_coming_occurrences(after, BATCH)
        for job in jobs.lock(job_ids).values():
            _refresh_job(job, now)
    return job_ids


def _refresh_job(job: Job, now: datetime) -> None:
    """Move a locked job's watermark; if its schedule can no longer be read, leave it to the planner to report."""
    try:
        next_run_at = _next_run_at(job, now)
    except stored_schedule.UNREADABLE:
        return
    jobs.set_next_runs([(job, next_run_at)])
    run_endings.end_if_over([(job, JobState.COMPLETED)], now)


def _next_run_at(job: Job, now: datetime) -> datetime | None:
    """Returns the first occurrence after the last planned one and after the instants that planning has covered."""
    schedule = stored_schedule.read(job.schedule)
    watermark: datetime | None = job.next_run_at
    if watermark is None or not isinstance(schedule, Recurring):
        return watermark
    planned = runs.latest_scheduled_for(job.id, Trigger.SCHEDULE)
    after = max(filter(None, (planned, min(watermark - _JUST_BEFORE, now))))
    return next(schedule.upcoming(after), None)
