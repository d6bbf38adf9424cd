"""Failures as callers get them, grouped by cause."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.paging import CalledHost, Filter, Query
from api.schemas.values import InstantInQuery, Shown
from core.filters import JobFilter

MONTH_HOURS = 31 * 24


class FailuresQuery(Query):
    """How far back from now, before which instant, of which jobs, and which host they called (`-`: none)."""

    hours: Annotated[int, Field(ge=1, le=MONTH_HOURS)] = 24
    finished_before: InstantInQuery | None = None
    app_name: Filter | None = None
    account_id: Filter | None = None
    task_type: Filter | None = None
    host: CalledHost | None = None

    def wanted(self) -> JobFilter:
        """Returns the filter of these jobs."""
        return JobFilter(app_name=self.app_name, account_id=self.account_id, task_type=self.task_type)


class FailureGroup(Shown):
    """Runs that failed for one reason, of as many `jobs`.

    `reason` is what their errors share; actions on runs take it as `failure`. `host` is what their last attempts
    called, null for tasks that call none or if it is not known; actions on runs take it as `host`, and `-` for null.
    The run, the error and the job are those of the newest. `being_replayed` counts those whose replay is not over; one
    that has completed or failed counts instead of the run that failed before it, though `first_at` is still that of the
    first which failed so.
    """

    app_name: str
    task_type: str
    host: str | None
    reason: str
    error_type: str | None
    message: str | None
    count: int
    jobs: int
    being_replayed: int
    accounts: list[str]
    first_at: datetime
    last_at: datetime
    run_id: UUID
    job_id: UUID
    job_name: str | None
    job_title: str | None


class JobOfHost(Shown):
    """A job whose calls fail."""

    job_id: UUID
    job_name: str | None
    job_title: str | None
    task_type: str


class FailingHost(Shown):
    """A host that has answered no call of these jobs well since `failing_since`: `failures` calls of the last day.

    The run and the message are those of the newest failure; `last_success_at` is that of these jobs, null where none is
    known. `answered_others_at` is when a call of another job of the app to this host last succeeded since
    `failing_since`, null where none is known: if there is one, the host is up, and the cause is with these jobs.
    """

    host: str
    app_name: str
    failing_since: datetime
    last_failure_at: datetime
    last_success_at: datetime | None
    answered_others_at: datetime | None
    failures: int
    message: str | None
    run_id: UUID
    jobs: list[JobOfHost]


class FailingHosts(Shown):
    """The hosts that fail at this moment, the longest failing first."""

    results: list[FailingHost]


class HostsQuery(Query):
    """Whose jobs' calls are looked at; all if nothing is given."""

    app_name: Filter | None = None
    account_id: Filter | None = None

    def wanted(self) -> JobFilter:
        """Returns the filter of these jobs."""
        return JobFilter(app_name=self.app_name, account_id=self.account_id)


class GivenUpJob(Shown):
    """A job that failed because it reached its maximum of polls or of time, though its last poll did not fail."""

    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    task_type: str
    account_id: str
    reason: str
    finished_at: datetime


class Failures(Shown):
    """The newest 1,000 runs that failed for good, grouped; `is_cut` where more failed.

    `given_up` are the last 100 jobs that stopped polling though they were not done: no run of these need have failed.
    Where there are many jobs, these are half a minute old at most; for an account or a task type, the last 1,000 such
    jobs of the app, or of all apps, are looked through.
    """

    groups: list[FailureGroup]
    count: int
    is_cut: bool
    given_up: list[GivenUpJob]
