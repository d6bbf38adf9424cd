"""000: a job's status."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from api.schemas.values import Shown
from core.states import JobStatus


class LogEntry(Shown):
    """One event in a job's history."""

    event_type: str
    attempt_number: int
    error_type: str | None
    metadata: dict[str, Any]
    created_at: datetime


class StatusOfJob(Shown):
    """A job's status, with the newest 20 events of its history, newest first."""

    job_id: UUID
    status: JobStatus | Literal["paused_rate_limited"]
    task_type: str
    created_at: datetime
    scheduled_at: datetime | None
    logs: list[LogEntry]
