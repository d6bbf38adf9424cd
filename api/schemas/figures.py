"""Figures as callers get them: jobs by status, minutes, workers, coming runs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, field_validator

from api.schemas.paging import Filter, Query
from api.schemas.values import InstantInQuery, Shown
from core.filters import JobFilter
from core.processes import ProcessKind
from core.states import Hold
from core.workers import WorkerStatus
from services.reading.statistics import minute_statistics

DAY_MINUTES = 1_440
MONTH_SECONDS = 31 * 86_400
_LAST_YEAR = 9_000


class ScopeQuery(Query):
    """Whose jobs are counted; all if nothing is given."""

    app_name: Filter | None = None
    account_id: Filter | None = None

    def wanted(self) -> JobFilter:
        """Returns the filter of these jobs."""
        return JobFilter(app_name=self.app_name, account_id=self.account_id)


class JobStatistics(Shown):
    """How many jobs have each status; from `pending` to `paused` they sum to `total`.

    `pending` includes the jobs that lists show as queued; `queued` is how many, and `retrying` of those wait for a
    retry.
    """

    total: int
    pending: int
    running: int
    completed: int
    failed: int
    cancelled: int
    paused: int
    queued: int
    retrying: int


class SlowJob(Shown):
    """A job whose newest `runs` took `times` as long as the `usual_seconds` before, since they began at `since`.

    Half of them took no longer than `seconds`.
    """

    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    task_type: str
    usual_seconds: float
    seconds: float
    times: float
    since: datetime
    runs: int


class SlowJobs(Shown):
    """The 100 slowest of the jobs of which a run has completed within two days, the slowest first.

    If more than 500 jobs match, only those are judged that had a run of over a second among the newest 100,000 ended
    runs of the installation (of more than 2,000, those whose runs differed most). Where many match, the answer may be
    half a minute old.

    A run took as long as the attempt that ended it, without earlier ones and the waits between them.
    """

    results: list[SlowJob]


class SeriesQuery(Query):
    """How many minutes to return."""

    minutes: Annotated[int, Field(ge=1, le=DAY_MINUTES)] = 60


class MinuteFigures(Shown):
    """What happened in the minute that begins at `minute`.

    `waiting` is how many runs were due when it ended and had not begun, held ones included: of these, `held` has how
    many each reason held. `lateness_p95_seconds` is how late runs began in it, retried runs excluded: 95 of 100 no
    later than this, and half of them no later than `lateness_p50_seconds`; null if none began. All are null if the
    minute has not been summed up: after an outage of coordinators, for a while, or for good if it lasted over an hour.
    """

    minute: datetime
    started: int | None
    completed: int | None
    failed: int | None
    waiting: int | None
    held: dict[Hold, int] | None
    lateness_p50_seconds: float | None
    lateness_p95_seconds: float | None

    @classmethod
    def of(cls, found: minute_statistics.MinuteFigures) -> MinuteFigures:
        """Returns the figures of a minute as callers get them."""
        if found.is_known:
            return cls.model_validate(found)
        return cls.model_validate({**dict.fromkeys(cls.model_fields), "minute": found.minute})


class Series(Shown):
    """What happened in each of the last complete minutes, oldest first."""

    results: list[MinuteFigures]


class Worker(Shown):
    """A process that executes runs; `running` is how many it holds now, `version` of Carillon null if not known.

    `draining`: it finishes its runs and takes no more, since `draining_at`; with `running` 0 it may be stopped.
    """

    id: UUID
    host: str
    pid: int
    threads: int
    version: str | None
    started_at: datetime
    heartbeat_at: datetime
    status: WorkerStatus
    draining_at: datetime | None
    running: int


class Workers(Shown):
    """The workers that were alive in the last day, the last started first."""

    results: list[Worker]


class Process(Shown):
    """A process that executes no runs. `seen_at` is when it was last heard of: a periodic one by its last beat."""

    id: UUID
    kind: ProcessKind
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    status: WorkerStatus


class Processes(Shown):
    """The processes besides workers that were alive in the last day, the last started first."""

    results: list[Process]


class UpcomingQuery(ScopeQuery):
    """How far ahead to look, from now or from `start` on, and how much to show."""

    seconds: Annotated[int, Field(ge=1, le=MONTH_SECONDS)] = 3600
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    start: InstantInQuery | None = None

    @field_validator("start")
    @classmethod
    def _within_reach(cls, start: datetime | None) -> datetime | None:
        if start is not None and start.year > _LAST_YEAR:
            raise ValueError("is too far ahead.")
        return start


class Upcoming(Shown):
    """Something that is to run; `run_id` is null while it has no row yet."""

    job_id: UUID
    job_name: str | None
    job_title: str | None
    task_type: str
    app_name: str
    scheduled_for: datetime
    due_at: datetime
    run_id: UUID | None


class UpcomingList(Shown):
    """What is to run, soonest first."""

    results: list[Upcoming]
