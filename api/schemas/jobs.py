"""Jobs as callers write them and get them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from api.schemas.schedules import GivenSchedule
from api.schemas.shown_schedules import ShownSchedule, show
from api.schemas.values import (
    AccountId,
    AppName,
    Backoff,
    Given,
    Identifier,
    Priority,
    Retries,
    Shown,
    TaskType,
    Url,
)
from core import schedules
from core.states import JobStatus
from services import jobs

_EXAMPLE: JsonDict = {
    "app_name": "app_a",
    "user_id": "user1",
    "account_id": "acc1",
    "task_type": "polling_task",
    "schedule": {"type": "polling", "interval_seconds": 30},
    "data": {"some_key": "some_value"},
}


class NewJob(Given):
    """A job to create."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    app_name: AppName
    user_id: Identifier
    account_id: AccountId
    board_id: Identifier | None = None
    task_type: TaskType
    schedule: GivenSchedule
    data: dict[str, Any] | None = None
    callback_url: Url | None = None
    priority: Priority = jobs.DEFAULT_PRIORITY
    max_retries: Retries | None = None
    retry_backoff_base: Backoff | None = None
    time_limit_seconds: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] | None = None

    def parsed(self) -> jobs.NewJob:
        """What the services take."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return jobs.NewJob(**{**fields, "schedule": self.schedule.parsed()})


class Created(Shown):
    """The id of what was created."""

    id: UUID


def _canonical(schedule: schedules.Schedule | ShownSchedule) -> ShownSchedule:
    return show(schedule) if isinstance(schedule, schedules.Schedule) else schedule


class Job(Shown):
    """A job."""

    id: UUID
    app_name: str
    account_id: str
    user_id: str | int
    board_id: str | int | None
    task_type: str
    callback_url: str | None
    data: dict[str, Any] | None
    schedule: Annotated[ShownSchedule, BeforeValidator(_canonical)]
    priority: int
    max_retries: int | None
    retry_backoff_base: float | None
    time_limit_seconds: float | None
    version: int
    status: JobStatus
    next_run_at: datetime | None
    polling_state: dict[str, Any] | None
    polls: int
    end_reason: str | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class JobPage(Shown):
    """A stretch of the list of jobs, newest first; `next` is the path of the rest."""

    count: int
    next: str | None
    previous: str | None = None
    results: list[Job]


class Occurrence(Shown):
    """One coming occurrence: its nominal instant, and when it is due, jitter added."""

    scheduled_for: datetime
    due_at: datetime


class NextOccurrences(Shown):
    """A job's next occurrences."""

    next: list[Occurrence]


class LogEntry(Shown):
    """One event in a job's life."""

    event_type: str
    attempt_number: int
    error_type: str | None
    metadata: dict[str, Any]
    created_at: datetime


class StatusOfJob(Shown):
    """How a job is doing, with the newest 20 events of its life, newest first."""

    job_id: UUID
    status: JobStatus
    task_type: str
    created_at: datetime
    scheduled_at: datetime | None
    logs: list[LogEntry]
