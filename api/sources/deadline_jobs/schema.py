"""004, jobs with deadlines: priorities in words; what runs or has run cannot be changed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, RootModel

from api.schemas.values import Given, Instant, Name, Priority, Shown, TaskType
from api.sources.deadline_jobs import words
from api.sources.source import plain_status
from core import schedules
from core.errors import InvalidInput
from core.principals import Principal
from core.priority import DEFAULT_PRIORITY
from core.states import JobStatus
from services.jobs.definition import NewJob
from services.reading.statistics.job_statistics import OwnFigures
from services.reading.views import JobView

DEFAULT_TASK_TYPE = "job"

Duration = (
    Annotated[int, Field(ge=0)]
    | Annotated[float, Field(ge=0, allow_inf_nan=False)]
    | Annotated[str, Field(max_length=100)]
)


class NewDeadlineJob(Given):
    """A job to do at once: by priority, and among equals by the nearest deadline.

    `estimated_duration` is only stored. The job calls `/internal/jobs/<task_type>` with its members as `data`.
    """

    name: Name
    estimated_duration: Duration | None = None
    priority: Priority = DEFAULT_PRIORITY
    deadline: Instant | None = None
    task_type: TaskType = DEFAULT_TASK_TYPE

    def parsed(self, principal: Principal) -> NewJob:
        """Returns the job as services take it."""
        own = {"name": self.name, "estimated_duration": self.estimated_duration}
        told = {
            **own,
            "priority": words.priority_word(self.priority),
            "deadline": None if self.deadline is None else self.deadline.isoformat(),
        }
        return NewJob(
            app_name=words.SOURCE.app_name,
            account_id=principal.name,
            user_id=principal.name,
            owner_id=principal.user_id,
            title=self.name,
            task_type=self.task_type,
            data=told,
            priority=self.priority,
            deadline_at=self.deadline,
            schedule=schedules.Immediate(),
        )


class WholeDeadlineJob(NewDeadlineJob):
    """A job's whole definition; members that cannot be changed may be sent back as they are shown."""

    model_config = ConfigDict(extra="allow")


class DeadlineJob(Shown):
    """A deadline job in the spelling of its source system."""

    id: UUID
    name: str
    estimated_duration: float | int | str | None
    priority: Literal["low", "medium", "high"]
    deadline: datetime | None
    task_type: str
    status: JobStatus
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class DeadlineJobs(RootModel[list[DeadlineJob]]):
    """A page of jobs."""


class PriorityCounts(Shown):
    """How many jobs have each priority."""

    high: int
    medium: int
    low: int


class DeadlineStatistics(Shown):
    """The caller's jobs, in whatever spelling, counted; the wait, in seconds, is the mean of the newest started runs.

    Runs whose first attempt failed are left out.
    """

    status_counts: dict[str, int]
    priority_counts: PriorityCounts
    avg_wait_time: float
    total_jobs: int


def show(view: JobView) -> DeadlineJob:
    """Returns a job as 004 shows it."""
    last = view.last_run
    return DeadlineJob(
        id=view.id,
        name=view.title or view.name or "",
        estimated_duration=_duration(view.data),
        priority=words.priority_word(view.priority),
        deadline=view.deadline,
        task_type=view.task_type,
        status=plain_status(view.status),
        created_at=view.created_at,
        updated_at=view.updated_at,
        started_at=None if last is None else last.started_at,
        completed_at=view.finished_at,
    )


def statistics(found: OwnFigures) -> DeadlineStatistics:
    """Returns statistics as 004 shows them."""
    levels = {word: 0 for _, word in words.PRIORITY_FROM}
    for priority, count in found.by_priority.items():
        levels[words.priority_word(priority)] += count
    return DeadlineStatistics(
        status_counts={word: getattr(found.by_status, word) for word in words.STATUSES},
        priority_counts=PriorityCounts(**levels),
        avg_wait_time=found.wait_seconds,
        total_jobs=found.by_status.total,
    )


def asked_for(view: JobView) -> NewDeadlineJob:
    """Returns the request that would produce a job as it is, with its exact priority."""
    shown = show(view)
    known = {name: getattr(shown, name) for name in NewDeadlineJob.model_fields}
    known["priority"] = view.priority
    return NewDeadlineJob.model_construct(**known)  # unchecked: a job of another section may have no name


def refuse_begun(view: JobView) -> None:
    """Raise `InvalidInput` for a job that runs or has run."""
    waits = view.status in (JobStatus.PENDING, JobStatus.QUEUED, JobStatus.PAUSED)
    if not waits or view.last_run is not None:
        told = plain_status(view.status).value + (", but it has run before" if waits else "")
        raise InvalidInput.at("status", f"is {told}: a job that runs or has run cannot be changed; create a new one.")


def _duration(data: Any) -> float | int | str | None:
    duration = data.get("estimated_duration") if isinstance(data, dict) else None
    return duration if isinstance(duration, float | int | str) else None
