"""Runs with the shown data of them and their jobs: one query's columns, read into frozen rows without a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.states import Hold, RunStatus, Trigger
from models import converting
from models.database import is_sqlite
from models.tables import App, Job, Run

LONGEST_RESULT_LISTED = 1_024
"""The longest result that a list of runs shows, in characters of JSON; a longer one is shown only with its run."""


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run with the identity of its job. In a list, a long result is left out, and `result_left_out` says so."""

    id: UUID
    job_id: UUID
    job_version: int
    trigger: Trigger
    retry_of: UUID | None
    status: RunStatus
    scheduled_for: datetime
    due_at: datetime
    deadline_at: datetime | None
    deadline_missed_at: datetime | None
    priority: int
    held_by: Hold | None
    held_key: str | None
    held_until: datetime | None
    reason: str | None
    occurrences: int
    attempt_count: int
    worker_id: UUID | None
    reports_until: datetime | None
    started_at: datetime | None
    claimed_at: datetime | None
    finished_at: datetime | None
    error_type: str | None
    error_message: str | None
    progress: Any
    message: str | None
    trace: str | None
    run_account_id: str  # at the run's creation; its job may have moved to another account since
    job_name: str | None
    job_title: str | None
    task_type: str
    owner_id: UUID | None
    app_id: UUID
    account_id: str
    app_name: str
    result: Any
    result_left_out: bool


@dataclass(frozen=True, slots=True)
class Execution:
    """A run that has started, as a list of executions shows it."""

    id: UUID
    job_id: UUID
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None
    error_message: str | None


_OF_JOB: tuple[Any, ...] = (Job.name, Job.title, Job.task_type, Job.owner_id, Job.app, Job.account_id, App.name)
# A run's own data, instead of its job's, may be large, and no list shows it.
_OF_RUN: tuple[Any, ...] = (
    Run.id,
    Run.job,
    Run.job_version,
    Run.trigger,
    Run.retry_of,
    Run.status,
    Run.scheduled_for,
    Run.due_at,
    Run.deadline_at,
    Run.deadline_missed_at,
    Run.priority,
    Run.held_by,
    Run.held_key,
    Run.held_until,
    Run.reason,
    Run.occurrences,
    Run.attempt_count,
    Run.worker_id,
    Run.reports_until,
    Run.started_at,
    Run.claimed_at,
    Run.finished_at,
    Run.error_type,
    Run.error_message,
    Run.progress,
    Run.message,
    Run.trace,
    Run.account_id,
)
_SHOWN = (*_OF_RUN, *_OF_JOB, Run.result)
_OF_EXECUTION: tuple[Any, ...] = (Run.id, Run.job, Run.status, Run.started_at, Run.finished_at, Run.error_message)
_CONVERTERS, _CONVERTERS_OF_EXECUTION = converting.of(_SHOWN), converting.of(_OF_EXECUTION)


def whole() -> Any:
    """Returns a query for runs with their jobs and apps."""
    return _with_jobs(*_SHOWN, peewee.SQL("NULL"))


def listed() -> Any:
    """Returns a query for runs with their jobs and apps, without long results.

    PostgreSQL knows the bytes of a text without reading it, but not its characters. JSON is stored in ASCII, all else
    escaped, so it has as many bytes as characters.
    """
    length = peewee.fn.LENGTH if is_sqlite() else peewee.fn.OCTET_LENGTH
    is_long = length(Run.result) > LONGEST_RESULT_LISTED
    short, is_left_out = peewee.Case(None, [(is_long, None)], Run.result), peewee.Case(None, [(is_long, 1)])
    return _with_jobs(*_OF_RUN, *_OF_JOB, short, is_left_out)


def executions() -> Any:
    """Returns a query for runs that have started."""
    return Run.select(*_OF_EXECUTION).where(Run.started_at.is_null(False))


def read(rows: Iterable[Sequence[Any]]) -> list[ShownRun]:
    """Returns the rows of `whole` or `listed`."""
    return [ShownRun(*[*converting.values(_CONVERTERS, row), row[-1] is not None]) for row in rows]


def read_executions(rows: Iterable[Sequence[Any]]) -> list[Execution]:
    """Returns the rows of `executions`."""
    return [Execution(*converting.values(_CONVERTERS_OF_EXECUTION, row)) for row in rows]


def _with_jobs(*columns: Any) -> Any:
    return Run.select(*columns).join(Job).join(App)
