"""Jobs, runs and attempts as they are shown: frozen, made from rows."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import structlog

from core import schedules, trace_context
from core.instants import first_of
from core.listing import Mark
from core.policies import CatchUp, Overlap
from core.states import JobStatus, Outcome, RunStatus, shown_status
from models import shown_jobs
from models.shown_jobs import ShownJob
from models.shown_runs import Execution, ShownRun
from services.scheduling import stored_schedule
from services.task_types import request_masks

View = TypeVar("View")
log = structlog.get_logger()


@dataclass(frozen=True)
class LastRun:
    """The newest of a job's runs that has started: how it went, so far."""

    status: RunStatus
    failure_count: int
    result: Any
    started_at: datetime
    finished_at: datetime | None
    error_message: str | None
    account_id: str


@dataclass(frozen=True)
class JobView:
    """A job as it is shown."""

    id: UUID
    app_name: str
    app_id: UUID
    owner_id: UUID | None
    name: str | None
    title: str | None
    metadata: Any
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
    retry_backoff_max: float | None
    time_limit_seconds: float | None
    catch_up: CatchUp
    catch_up_window_seconds: float
    overlap: Overlap
    deadline: datetime | None
    deadline_seconds: float | None
    expire: bool
    keep_days: float | None
    keep_last: int | None
    limit_key: str | None
    version: int
    status: JobStatus
    paused_until: datetime | None
    next_run_at: datetime | None
    delayed_until: datetime | None  # the instant of a `delay_from_now`, for its run
    polling_state: dict[str, Any] | None
    polls: int
    end_reason: str | None
    created_at: datetime
    created_by: str | None
    updated_at: datetime
    finished_at: datetime | None
    last_run: LastRun | None


@dataclass(frozen=True)
class RunView:
    """A run as it is shown, with the identity of its job; lists leave out a long result, and say so."""

    id: UUID
    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    account_id: str
    task_type: str
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
    held_key: str | None
    held_until: datetime | None
    reason: str | None
    occurrences: int
    attempt_count: int
    worker_id: UUID | None
    waiting_for_report: bool
    started_at: datetime | None
    claimed_at: datetime | None  # of the attempt under way; None between attempts and once it is over
    finished_at: datetime | None
    error_type: str | None
    error_message: str | None
    result: Any
    result_left_out: bool
    progress: Any
    message: str | None
    trace_id: str


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
    call: Any  # what its HTTP call sent and got; None if it made none, or that is not kept


@dataclass(frozen=True)
class LineView:
    """A line that a receiver logged or a command wrote, at which attempt."""

    number: int
    attempt: int
    logged_at: datetime
    text: str


@dataclass(frozen=True)
class ExecutionView:
    """A run that has started, as deadline jobs list it; `success` is None while it lasts."""

    id: UUID
    job: UUID
    started_at: datetime
    completed_at: datetime | None
    success: bool | None
    error_message: str | None
    duration: float | None


@dataclass(frozen=True)
class Occurrence:
    """One coming occurrence: its nominal instant, and when it is due, jitter added."""

    scheduled_for: datetime
    due_at: datetime


@dataclass(frozen=True)
class LogEntry:
    """One event in a job's life, as `/api/jobs/{id}/status` lists it."""

    event_type: str
    attempt_number: int
    error_type: str | None
    metadata: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class JobHead:
    """A job as its status shows it."""

    id: UUID
    task_type: str
    schedule: schedules.Schedule
    status: JobStatus
    next_run_at: datetime | None
    delayed_until: datetime | None  # the instant of a `delay_from_now`, for its run
    created_at: datetime


@dataclass(frozen=True)
class JobWithLog:
    """A job and its events, newest first.

    `retrying`: a run waits for a retry; `rate_limited`: a run is due and held by a rate.
    """

    job: JobHead | JobView
    entries: list[LogEntry]
    retrying: bool
    rate_limited: bool


@dataclass(frozen=True)
class Page:
    """A part of a list. `last` is the mark after which the rest follows; None at the end. `count` is of the whole."""

    items: Sequence[Any]
    count: int
    last: Mark | None
    is_cut: bool = False  # whether some may be left out: of very many failures, the newest are compared


def job_views(job_ids: Sequence[UUID], *, tolerant: bool = False) -> list[JobView]:
    """Returns views of those of these jobs that are not deleted, in the order of the ids.

    Executes one statement; in the caller's transaction if there is one. If `tolerant`, a job whose schedule can no
    longer be read is logged and left out.
    """
    return _views(job_ids, shown_jobs.by_ids(job_ids), tolerant=tolerant)


def job_views_that_fit(job_ids: Sequence[UUID], parts: int | None = None) -> tuple[list[JobView], list[JobView]]:
    """Returns tolerant views of those of these jobs that fit on a page, and of the others, without long values."""
    found = shown_jobs.fitting(job_ids, parts)
    return _views(job_ids, found.jobs, tolerant=True), _views(job_ids, found.beyond, tolerant=True)


def _views(job_ids: Sequence[UUID], found: Mapping[UUID, ShownJob], *, tolerant: bool) -> list[JobView]:
    views = []
    for one in (job_id for job_id in job_ids if job_id in found):
        try:
            views.append(_job_view(found[one]))
        except stored_schedule.UNREADABLE:
            if not tolerant:
                raise
            log.exception("row_unreadable", job_id=str(one))
    return views


def run_view(found: ShownRun) -> RunView:
    """Returns the view of a run."""
    return view_of(
        RunView,
        found,
        account_id=found.run_account_id,
        waiting_for_report=found.reports_until is not None,
        trace_id=trace_context.id_of(found.trace, found.id),
        held_key=None if found.held_by is None else found.held_key,
        held_until=None if found.held_by is None else found.held_until,
    )


def execution_view(found: Execution) -> ExecutionView:
    """Returns the view of a started run as an execution."""
    return ExecutionView(
        id=found.id,
        job=found.job_id,
        started_at=found.started_at,
        completed_at=found.finished_at,
        success=None if found.finished_at is None else found.status == RunStatus.COMPLETED,
        error_message=found.error_message,
        duration=None if found.finished_at is None else (found.finished_at - found.started_at).total_seconds(),
    )


def view_of(view: type[View], row: Any, **others: Any) -> View:
    """Returns a view of a row: its columns by the view's names, and others as given."""
    return view(**{name: getattr(row, name) for name in _names(cast("Any", view)) if name not in others}, **others)


@functools.cache
def _names(view: Any) -> tuple[str, ...]:
    return tuple(one.name for one in fields(view))


def _job_view(found: ShownJob) -> JobView:
    return view_of(
        JobView,
        found,
        callback_url=request_masks.masked_address(found.callback_url),
        data=request_masks.masked_data(found.task_type, found.data),
        last_run=None if found.last_started is None else LastRun(*found.last_started),
        deadline=found.deadline_at,
        schedule=stored_schedule.parse_or_log(found.schedule),
        status=shown_status(found.state, found.going),
        next_run_at=first_of(found.next_due, found.next_run_at),
    )
