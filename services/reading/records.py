"""One job or one run, and what belongs to it: frozen views, read in one transaction each."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any
from uuid import UUID

from core import schedules
from core.errors import NotFound
from core.recurring import Recurring
from core.states import Outcome, RunStatus
from models import attempts, database, jobs, lists, runs, signals
from models.tables import Attempt, Job
from services import specifications
from services.reading.views import AttemptView, JobView, LogEntry, Occurrence, RunView, job_views, run_view, view_of

LOG_ENTRIES = 20


def job(job_id: UUID) -> JobView:
    """The job of this id. Raises `NotFound`."""
    with database.reading():
        return job_views([_found(job_id)])[0]


def owner(job_id: UUID) -> UUID | None:
    """Whose a job is; None for nobody's. Raises `NotFound`."""
    with database.reading():
        owner_id: UUID | None = _found(job_id).owner_id
        return owner_id


def job_with_log(job_id: UUID) -> tuple[JobView, list[LogEntry], bool]:
    """A job, the newest 20 events of its life, newest first, and whether a run waits to be tried again.

    Raises `NotFound`.
    """
    with database.reading():
        view = job_views([_found(job_id)])[0]
        entries = [entry for one in attempts.newest_of_job(job_id, LOG_ENTRIES) for entry in _events(one)]
        retrying = RunStatus.RETRYING in jobs.going([job_id])[job_id]
    return view, entries[:LOG_ENTRIES], retrying


def occurrences(job_id: UUID, count: int) -> list[Occurrence]:
    """The next occurrences of a job, planned or not, each with its nominal and its due instant. Raises `NotFound`."""
    with database.reading():
        found = _found(job_id)
        planned = [Occurrence(one.scheduled_for, one.due_at) for one in runs.pending(job_id, count)]
    schedule = specifications.read(found.schedule)
    if found.next_run_at is None or not isinstance(schedule, Recurring):
        return planned
    later = schedules.upcoming(schedule, found.next_run_at - timedelta(microseconds=1))
    unplanned = (Occurrence(instant, schedule.due_at(job_id, instant)) for instant in later)
    left = None if schedule.max_runs is None else max(0, schedule.max_runs - found.runs_started)
    return list(islice(chain(planned, unplanned), count if left is None else min(count, left)))


def run(run_id: UUID) -> tuple[RunView, list[AttemptView]]:
    """A run and its attempts in order. Raises `NotFound`."""
    with database.reading():
        found = lists.run(run_id)
        if found is None:
            raise NotFound("run", run_id)
        return run_view(found), [view_of(AttemptView, one) for one in attempts.of_run(run_id)]


def signals_seen() -> dict[str, datetime]:
    """When the beat and the tick were last seen. Raises `DatabaseUnavailable`."""
    with database.reading():
        return signals.seen()


def _found(job_id: UUID) -> Job:
    found = jobs.by_id(job_id)
    if found is None:
        raise NotFound("job", job_id)
    return found


def _events(one: Attempt) -> list[LogEntry]:
    """An attempt's events, the later one first; one handed back at shutdown did not fail, it goes on elsewhere."""
    started = LogEntry("execution_started", one.number, None, {}, one.started_at)
    if one.finished_at is None or one.outcome == Outcome.RELEASED:
        return [started]
    well = one.outcome == Outcome.SUCCEEDED
    metadata: dict[str, Any] = {"status_code": one.status_code}
    if not well:
        metadata["message"] = one.error_message
    name = "execution_completed" if well else "execution_failed"
    return [LogEntry(name, one.number, one.error_type, metadata, one.finished_at), started]
