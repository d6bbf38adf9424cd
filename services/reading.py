"""Jobs and runs as they are shown: frozen views, read in one transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any, TypeVar
from uuid import UUID

from core import schedules
from core.errors import NotFound
from core.filters import JobFilter
from core.policies import CatchUp, Overlap
from core.recurring import Recurring
from core.states import JobStatus, Outcome, RunStatus, shown_status
from models import attempts, database, jobs, runs, signals, tags
from models.tables import Attempt, Job
from services import specifications

LOG_ENTRIES = 20

View = TypeVar("View")


@dataclass(frozen=True)
class JobView:
    """A job as it is shown."""

    id: UUID
    app_name: str
    name: str | None
    tags: tuple[str, ...]
    account_id: str
    user_id: Any
    board_id: Any
    task_type: str
    callback_url: str | None
    data: Any
    schedule: schedules.Schedule
    priority: int
    max_retries: int | None
    retry_backoff_base: float | None
    time_limit_seconds: float | None
    catch_up: CatchUp
    catch_up_window_seconds: float
    overlap: Overlap
    deadline: datetime | None
    deadline_seconds: float | None
    expire: bool
    version: int
    status: JobStatus
    next_run_at: datetime | None
    polling_state: dict[str, Any] | None
    polls: int
    end_reason: str | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class RunView:
    """A run as it is shown."""

    id: UUID
    job_id: UUID
    job_version: int
    trigger: str
    retry_of: UUID | None
    status: RunStatus
    scheduled_for: datetime
    due_at: datetime
    deadline_at: datetime | None
    deadline_missed_at: datetime | None
    priority: int
    held_by: str | None
    held_until: datetime | None
    reason: str | None
    occurrences: int
    attempt_count: int
    started_at: datetime | None
    finished_at: datetime | None
    error_type: str | None
    error_message: str | None
    progress: Any
    message: str | None


@dataclass(frozen=True)
class AttemptView:
    """An attempt as it is shown; `outcome` is None while it lasts."""

    number: int
    worker_id: UUID
    started_at: datetime
    finished_at: datetime | None
    outcome: Outcome | None
    error_type: str | None
    error_message: str | None
    status_code: int | None
    answer: str | None


@dataclass(frozen=True)
class Occurrence:
    """One coming occurrence: its nominal instant, and when it is due, jitter added."""

    scheduled_for: datetime
    due_at: datetime


@dataclass(frozen=True)
class LogEntry:
    """One event in a job's life, as section 000 prints it."""

    event_type: str
    attempt_number: int
    error_type: str | None
    metadata: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class Page:
    """A stretch of a list; `next_cursor` leads to the rest, None at the end."""

    items: Sequence[Any]
    count: int
    next_cursor: UUID | None


def job(job_id: UUID) -> JobView:
    """The job of this id. Raises `NotFound`."""
    with database.reading():
        return _job_views([_found(job_id)])[0]


def job_with_log(job_id: UUID) -> tuple[JobView, list[LogEntry], bool]:
    """A job, the newest 20 events of its life, newest first, and whether a run waits to be tried again.

    Raises `NotFound`.
    """
    with database.reading():
        view = _job_views([_found(job_id)])[0]
        entries = [entry for one in attempts.newest_of_job(job_id, LOG_ENTRIES) for entry in _events(one)]
        retrying = RunStatus.RETRYING in jobs.going([job_id])[job_id]
    return view, entries[:LOG_ENTRIES], retrying


def job_page(wanted: JobFilter, cursor: UUID | None, limit: int) -> Page:
    """Jobs that fit, newest first."""
    with database.reading():
        found = jobs.page(wanted, cursor, limit + 1)
        return _page(found, jobs.count(wanted), limit, _job_views(found[:limit]))


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


def run_page(job_id: UUID, cursor: UUID | None, limit: int) -> Page:
    """A job's runs, newest first. Raises `NotFound`."""
    with database.reading():
        _found(job_id)
        found = runs.of_job(job_id, cursor, limit + 1)
        return _page(found, runs.count_of_job(job_id), limit, [_as(RunView, one) for one in found[:limit]])


def run(run_id: UUID) -> tuple[RunView, list[AttemptView]]:
    """A run and its attempts in order. Raises `NotFound`."""
    with database.reading():
        found = runs.by_id(run_id)
        if found is None:
            raise NotFound("run", run_id)
        return _as(RunView, found), [_as(AttemptView, one) for one in attempts.of_run(run_id)]


def signals_seen() -> dict[str, datetime]:
    """When the beat and the tick were last seen. Raises `DatabaseUnavailable`."""
    with database.reading():
        return signals.seen()


def _found(job_id: UUID) -> Job:
    found = jobs.by_id(job_id)
    if found is None:
        raise NotFound("job", job_id)
    return found


def _page(found: Sequence[Any], count: int, limit: int, views: Sequence[Any]) -> Page:
    more = len(found) > limit
    return Page(views, count, found[limit - 1].id if more else None)


def _job_views(found: Sequence[Job]) -> list[JobView]:
    ids = [one.id for one in found]
    going = jobs.going(ids)
    due = jobs.next_due(ids)
    tagged = tags.of(ids)
    return [_job_view(one, going[one.id], due.get(one.id), tagged[one.id]) for one in found]


def _job_view(found: Job, going: set[RunStatus], next_due: datetime | None, tagged: tuple[str, ...]) -> JobView:
    return _as(
        JobView,
        found,
        app_name=found.app.name,
        tags=tagged,
        deadline=found.deadline_at,
        schedule=specifications.read(found.schedule),
        status=shown_status(found.state, going),
        next_run_at=min(filter(None, (next_due, found.next_run_at)), default=None),
    )


def _as(view: type[View], row: Any, **others: Any) -> View:
    """A view of a row: its columns of the same names, and others as given."""
    names = {one.name for one in fields(view)} - others.keys()  # type: ignore[arg-type]  # every view is a dataclass
    return view(**{name: getattr(row, name) for name in names}, **others)


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
