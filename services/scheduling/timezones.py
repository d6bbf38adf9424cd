"""Time-zone data: one edition for all processes; coming occurrences are computed again when a newer one comes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
import tzdata

from core.schedules import Recurring
from core.states import JobState, Trigger
from models import database, jobs, runs, timezones
from models.pauses import Gate
from models.set_based import chunks
from models.tables import Job
from services.runtime.batching import Pass, free_first
from services.scheduling import run_endings, stored_schedule
from services.system import System

EDITION: str = tzdata.IANA_VERSION
BATCH = 500
_JUST_BEFORE = timedelta(microseconds=1)
log = structlog.get_logger()


def refresh(system: System, left: Collection[UUID] | None = None) -> Pass[UUID]:
    """Compute all coming occurrences again if the data has changed since the last time, or only those of jobs `left`.

    Returns how many jobs it read, and those it left, since others have locked them: while there are any, call it again
    with these. Runs that are planned already stay unchanged. Safe to repeat and to interrupt.
    """
    with database.reading():
        if timezones.edition() == EDITION:
            return Pass(0)
    count = 0
    passed_over: dict[UUID, Sequence[UUID]] = {}
    for job_ids in _batches() if left is None else chunks(sorted(left)):
        done = free_first(partial(_refresh_batch, system), job_ids)
        count += done.count
        passed_over |= done.passed_over
    if not passed_over:
        with system.transaction(Gate.UNUSED):
            timezones.set_edition(EDITION)
    log.info("timezone_data", edition=EDITION, jobs=count, locked=len(passed_over))
    return Pass(count, passed_over)


def _batches() -> Iterator[list[UUID]]:
    """Yields all jobs with coming occurrences."""
    after = None
    while job_ids := _next_batch(after):
        yield job_ids
        after = job_ids[-1]


def _next_batch(after: UUID | None) -> list[UUID]:
    with database.reading():
        return timezones.with_coming_occurrences(after, BATCH)


def _refresh_batch(system: System, job_ids: Sequence[UUID], *, waits_for_locks: bool) -> Pass[UUID]:
    with system.transaction(Gate.UNUSED) as unit:
        locked, passed_over = jobs.lock_briefly(job_ids, waits_for_locks=waits_for_locks)
        for job in locked.values():
            _refresh_job(job, unit.now)
    return Pass(len(locked), {job_id: [job_id] for job_id in passed_over})


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
