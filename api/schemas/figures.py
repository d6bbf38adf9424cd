"""Figures as callers get them: jobs by status, minutes, workers, coming runs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.paging import Filter, Query
from api.schemas.values import Shown
from core.filters import JobFilter
from core.states import Hold
from core.workers import WorkerStatus

DAY_MINUTES = 1_440
MONTH_SECONDS = 31 * 86_400


class ScopeQuery(Query):
    """Whose jobs are counted; all if nothing is given."""

    app_name: Filter | None = None
    account_id: Filter | None = None

    def wanted(self) -> JobFilter:
        """Returns the filter of these jobs."""
        return JobFilter(app_name=self.app_name, account_id=self.account_id)


class JobStatistics(Shown):
    """How many jobs have each status; they sum to `total`. Queued and retrying jobs count as pending."""

    total: int
    pending: int
    running: int
    completed: int
    failed: int
    cancelled: int
    paused: int


class SeriesQuery(Query):
    """How many minutes to return."""

    minutes: Annotated[int, Field(ge=1, le=DAY_MINUTES)] = 60


class MinuteFigures(Shown):
    """What happened in the minute that begins at `minute`.

    `waiting` is how many runs were due when it ended and had not begun, held ones included: of these, `held` has how
    many each reason held. `lateness_p95_seconds` is how late runs began in it, retried runs excluded: 95 of 100 no
    later than this, and half of them no later than `lateness_p50_seconds`; null if none began.
    """

    minute: datetime
    started: int
    completed: int
    failed: int
    waiting: int
    held: dict[Hold, int]
    lateness_p50_seconds: float | None
    lateness_p95_seconds: float | None


class Series(Shown):
    """What happened in each of the last complete minutes, oldest first."""

    results: list[MinuteFigures]


class Worker(Shown):
    """A process that executes runs; `running` is how many it holds now, `version` of Carillon null if not known."""

    id: UUID
    host: str
    pid: int
    threads: int
    version: str | None
    started_at: datetime
    heartbeat_at: datetime
    status: WorkerStatus
    running: int


class Workers(Shown):
    """The workers that were alive in the last day, the last started first."""

    results: list[Worker]


class UpcomingQuery(ScopeQuery):
    """How far ahead to look, and how much to show."""

    seconds: Annotated[int, Field(ge=1, le=MONTH_SECONDS)] = 3600
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class Upcoming(Shown):
    """Something that is to run; `run_id` is null while it has no row yet."""

    job_id: UUID
    job_name: str | None
    task_type: str
    app_name: str
    scheduled_for: datetime
    due_at: datetime
    run_id: UUID | None


class UpcomingList(Shown):
    """What is to run, soonest first."""

    results: list[Upcoming]
