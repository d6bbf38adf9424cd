"""The status of a job, which applications read most often: everything that it shows, in one statement."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.states import JobState, RunStatus
from models import database, job_logs, shown_jobs
from models.database import is_sqlite
from models.hot import of_database
from models.job_logs import JobLog


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """A job's owners, its kind and state, the statuses of its runs that are not over, and its log."""

    owner_id: UUID | None
    app_id: UUID
    account_id: str
    task_type: str
    schedule: str  # as it is stored
    state: JobState
    created_at: datetime
    next_run_at: datetime | None
    going: frozenset[RunStatus]
    next_due: datetime | None
    delayed_until: datetime | None
    log: JobLog


def of_job(job_id: UUID, most_entries: int, account_id: str | None = None) -> StoredStatus | None:
    """Returns the status of a job, with the newest attempts and waits of its log; None if there is no such job.

    If an account is given, the log only has runs that were made for it.
    """
    parameters = (*job_logs.parameters(job_id, most_entries, account_id), job_id.hex)
    for row in database.rows(_statement(on_sqlite=is_sqlite(), of_account=account_id is not None), parameters):
        return _status(*row)
    return None


@functools.cache
def _statement(*, on_sqlite: bool, of_account: bool) -> str:
    return f"""SELECT owner_id, app_id, account_id, task_type, schedule, state, created_at, next_run_at,
        {shown_jobs.going(on_sqlite=on_sqlite)}, {shown_jobs.DUE}, {shown_jobs.DELAYED_UNTIL},
        {job_logs.columns(on_sqlite=on_sqlite, of_account=of_account)}
        FROM jobs AS job WHERE job.id = {of_database().MARK} AND deleted_at IS NULL"""  # noqa: S608  names of our own


def _status(owner_id: Any, app_id: Any, account_id: str, task_type: str, schedule: str, *rest: Any) -> StoredStatus:
    state, created_at, next_run_at, going, next_due, delayed_until, *log = rest
    uuid, instant = of_database().uuid, of_database().instant
    return StoredStatus(
        None if owner_id is None else uuid(owner_id),
        uuid(app_id),
        account_id,
        task_type,
        schedule,
        JobState(state),
        instant(created_at),
        instant(next_run_at),
        shown_jobs.statuses(going),
        instant(next_due),
        instant(delayed_until),
        job_logs.read(*log),
    )
