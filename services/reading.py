"""Jobs and runs as they are shown: frozen views, read in one transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core import schedules
from core.errors import NotFound
from core.states import JobStatus, Outcome, RunStatus, shown_status
from models import attempts, database, jobs, runs, signals
from models.tables import Attempt, Job, Run
from services import specifications

LOG_ENTRIES = 20


@dataclass(frozen=True)
class JobView:
    """A job as it is shown."""

    id: UUID
    app_name: str
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
    version: int
    status: JobStatus
    next_run_at: datetime | None
    polling_state: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class RunView:
    """A run as it is shown."""

    id: UUID
    job_id: UUID
    trigger: str
    status: RunStatus
    scheduled_for: datetime
    due_at: datetime
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


def job_with_log(job_id: UUID) -> tuple[JobView, list[LogEntry], RunView | None]:
    """A job, the newest 20 events of its life, newest first, and its newest run. Raises `NotFound`."""
    with database.reading():
        view = _job_views([_found(job_id)])[0]
        entries = [entry for one in attempts.newest_of_job(job_id, LOG_ENTRIES) for entry in _events(one)]
        newest = runs.of_job(job_id, None, 1)
    return view, entries[:LOG_ENTRIES], _run_view(newest[0]) if newest else None


def job_page(
    *,
    app_name: str | None,
    account_id: str | None,
    status: JobStatus | None,
    cursor: UUID | None,
    limit: int,
) -> Page:
    """Jobs that fit, newest first."""
    with database.reading():
        found = jobs.page(app_name=app_name, account_id=account_id, status=status, before=cursor, limit=limit + 1)
        count = jobs.count(app_name=app_name, account_id=account_id, status=status)
        return _page(found, count, limit, _job_views(found[:limit]))


def run_page(job_id: UUID, cursor: UUID | None, limit: int) -> Page:
    """A job's runs, newest first. Raises `NotFound`."""
    with database.reading():
        _found(job_id)
        found = runs.of_job(job_id, cursor, limit + 1)
        return _page(found, runs.count_of_job(job_id), limit, [_run_view(one) for one in found[:limit]])


def run(run_id: UUID) -> tuple[RunView, list[AttemptView]]:
    """A run and its attempts in order. Raises `NotFound`."""
    with database.reading():
        found = runs.by_id(run_id)
        if found is None:
            raise NotFound("run", run_id)
        return _run_view(found), [_attempt_view(one) for one in attempts.of_run(run_id)]


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
    return [_job_view(one, going[one.id], due.get(one.id)) for one in found]


def _job_view(found: Job, going: set[RunStatus], next_due: datetime | None) -> JobView:
    return JobView(
        id=found.id,
        app_name=found.app.name,
        account_id=found.account_id,
        user_id=found.user_id,
        board_id=found.board_id,
        task_type=found.task_type,
        callback_url=found.callback_url,
        data=found.data,
        schedule=specifications.read(found.schedule),
        priority=found.priority,
        max_retries=found.max_retries,
        retry_backoff_base=found.retry_backoff_base,
        time_limit_seconds=found.time_limit_seconds,
        version=found.version,
        status=shown_status(found.state, going),
        next_run_at=min(filter(None, (next_due, found.next_run_at)), default=None),
        polling_state=found.polling_state,
        created_at=found.created_at,
        updated_at=found.updated_at,
        finished_at=found.finished_at,
    )


def _run_view(found: Run) -> RunView:
    return RunView(
        id=found.id,
        job_id=found.job_id,
        trigger=found.trigger,
        status=found.status,
        scheduled_for=found.scheduled_for,
        due_at=found.due_at,
        priority=found.priority,
        held_by=found.held_by,
        held_until=found.held_until,
        reason=found.reason,
        occurrences=found.occurrences,
        attempt_count=found.attempt_count,
        started_at=found.started_at,
        finished_at=found.finished_at,
        error_type=found.error_type,
        error_message=found.error_message,
        progress=found.progress,
        message=found.message,
    )


def _attempt_view(found: Attempt) -> AttemptView:
    return AttemptView(
        number=found.number,
        worker_id=found.worker_id,
        started_at=found.started_at,
        finished_at=found.finished_at,
        outcome=found.outcome,
        error_type=found.error_type,
        error_message=found.error_message,
        status_code=found.status_code,
        answer=found.answer,
    )


def _events(one: Attempt) -> list[LogEntry]:
    """An attempt's events, the later one first."""
    started = LogEntry("execution_started", one.number, None, {}, one.started_at)
    if one.finished_at is None:
        return [started]
    well = one.outcome == Outcome.SUCCEEDED
    metadata: dict[str, Any] = {"status_code": one.status_code}
    if not well:
        metadata["message"] = one.error_message
    name = "execution_completed" if well else "execution_failed"
    return [LogEntry(name, one.number, one.error_type, metadata, one.finished_at), started]
