"""Jobs as callers write them and get them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.config import JsonDict

from api.schemas.schedules import GivenSchedule
from api.schemas.shown_schedules import ShownSchedule, show
from api.schemas.values import (
    AccountId,
    AppName,
    Backoff,
    CatchUpWord,
    Given,
    Identifier,
    Instant,
    LimitKey,
    Name,
    OverlapWord,
    Priority,
    Retries,
    Seconds,
    Shown,
    TaskType,
    Url,
)
from api.sources.typed_jobs import words
from core import schedules
from core.policies import CATCH_UP_WINDOW_SECONDS, CatchUp, Overlap
from core.priority import DEFAULT_PRIORITY
from core.schedules.members import TEN_YEARS_SECONDS
from core.states import JobStatus
from core.usual import Usual
from services.jobs import definition as definitions
from services.reading.views import JobView

MAX_TAGS = 20
MAX_DAYS_KEPT = 36_500
MAX_RUNS_KEPT = 100_000

_EXAMPLE: JsonDict = {
    "app_name": "app_a",
    "user_id": "user1",
    "account_id": "acc1",
    "task_type": "polling_task",
    "schedule": {"type": "polling", "interval_seconds": 30},
    "data": {"some_key": "some_value"},
}


class Keep(Given):
    """How long a job's runs are kept: for a number of days, or a number of the newest; with both, what either keeps.

    The last run and the last success of a job that goes on are always kept.
    """

    days: Annotated[float, Field(gt=0, le=MAX_DAYS_KEPT, allow_inf_nan=False)] | None = None
    last: Annotated[int, Field(ge=1, le=MAX_RUNS_KEPT, strict=True)] | None = None

    @classmethod
    def of(cls, days: float | None, last: int | None) -> Self | None:
        """The rule as it is shown; None where a job has none."""
        return cls(days=days, last=last) if days or last else None


class JobDefinition(Given):
    """What to do, when, and by which policies.

    `deadline` is the instant by which a job that runs once is to be over; for any other job, `deadline_seconds` counts
    from the instant at which each run is due. With `expire`, a run that has not begun by then is dropped.

    `name` is unique within the app; `title` is free text for people. `metadata` is stored with the job, and not read.
    """

    user_id: Identifier
    account_id: AccountId
    board_id: Identifier | None = None
    name: Name | None = None
    title: Name | None = None
    metadata: dict[str, Any] | None = None
    tags: Annotated[list[Name], Field(max_length=MAX_TAGS)] = Field(default_factory=list)
    task_type: TaskType
    schedule: GivenSchedule
    data: dict[str, Any] | None = None
    callback_url: Url | None = None
    priority: Priority = DEFAULT_PRIORITY
    max_retries: Retries | None = None
    retry_backoff_base: Backoff | None = None
    retry_backoff_max: Backoff | None = None
    time_limit_seconds: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] | None = None
    catch_up: CatchUpWord = CatchUp.LATEST.value
    catch_up_window_seconds: Annotated[float, Field(ge=0, le=TEN_YEARS_SECONDS, allow_inf_nan=False)] = (
        CATCH_UP_WINDOW_SECONDS
    )
    overlap: OverlapWord = Overlap.SKIP.value
    deadline: Instant | None = None
    deadline_seconds: Seconds | None = None
    expire: bool = False
    keep: Keep | None = None
    limit_key: LimitKey | None = None

    @field_validator("deadline")
    @classmethod
    def _for_once(cls, deadline: datetime | None, info: ValidationInfo) -> datetime | None:
        if deadline is not None and _runs_once(info) is False:
            raise ValueError("is for a job that runs once; give deadline_seconds, counted from when each run is due.")
        return deadline

    @field_validator("deadline_seconds")
    @classmethod
    def _for_the_rest(cls, seconds: float | None, info: ValidationInfo) -> float | None:
        if seconds is not None and _runs_once(info) is True:
            raise ValueError("is for a job that runs more than once; give deadline, an instant.")
        return seconds

    @field_validator("expire")
    @classmethod
    def _needs_a_deadline(cls, expire: bool, info: ValidationInfo) -> bool:
        if expire and info.data.get("deadline") is None and info.data.get("deadline_seconds") is None:
            raise ValueError("needs a deadline; give deadline or deadline_seconds.")
        return expire

    def definition(self) -> dict[str, Any]:
        """Returns the fields as services take them."""
        given, keep = self.__dict__, self.keep
        return {
            **{name: given[name] for name in _TAKEN_AS_GIVEN},
            "deadline_at": self.deadline,
            "schedule": self.schedule.parsed(),
            "tags": tuple(self.tags),
            "catch_up": CatchUp(self.catch_up),
            "overlap": Overlap(self.overlap),
            "keep_days": None if keep is None else keep.days,
            "keep_last": None if keep is None else keep.last,
        }


_CONVERTED = ("deadline", "schedule", "tags", "catch_up", "overlap", "keep")
_TAKEN_AS_GIVEN = tuple(name for name in JobDefinition.model_fields if name not in _CONVERTED)


class NewJob(JobDefinition):
    """A job to create."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    app_name: AppName

    def parsed(self) -> definitions.NewJob:
        """Returns the new job as services take it."""
        return definitions.NewJob(app_name=self.app_name, **self.definition())


def _runs_once(info: ValidationInfo) -> bool | None:
    """Whether the schedule, which is parsed before other fields, names one instant; None if it is wrong itself."""
    schedule = info.data.get("schedule")
    return None if schedule is None else schedule.runs_once


class Created(Shown):
    """The id of what was created."""

    id: UUID


def _canonical(schedule: schedules.Schedule | ShownSchedule) -> ShownSchedule:
    return show(schedule) if isinstance(schedule, schedules.Schedule) else schedule


class Job(Shown):
    """A job; `job_type` and all members after it repeat those before it under the names of typed jobs.

    `paused_until` is the instant at which a paused job is resumed by itself; null: when someone resumes it.
    """

    id: UUID
    app_name: str
    owner_id: UUID | None
    name: str | None
    title: str | None
    metadata: dict[str, Any] | None
    tags: list[str]
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
    retry_backoff_max: float | None
    time_limit_seconds: float | None
    catch_up: CatchUp
    catch_up_window_seconds: float
    overlap: Overlap
    deadline: datetime | None
    deadline_seconds: float | None
    expire: bool
    keep: Keep | None
    limit_key: str | None
    version: int
    status: JobStatus
    paused_until: datetime | None
    next_run_at: datetime | None
    polling_state: dict[str, Any] | None
    polls: int
    end_reason: str | None
    created_at: datetime
    created_by: str | None
    updated_at: datetime
    finished_at: datetime | None
    job_type: str
    parameters: dict[str, Any]
    retries: int
    result: Any
    schedule_type: str
    scheduled_time: datetime | None
    frequency: str | None
    file_url: str | None

    @model_validator(mode="before")
    @classmethod
    def _with_aliases(cls, given: Any) -> Any:
        if not isinstance(given, JobView):
            return given
        status = words.status_in_lists(given.app_name, given.status)
        keep = Keep.of(given.keep_days, given.keep_last)
        return {**vars(given), "keep": keep, "status": status, **words.aliases(given)}


class UsualDuration(Shown):
    """How long runs usually take: half of the `runs` no longer than `seconds`, 95 of 100 than `most_seconds`.

    Of the newest 120 that completed, without the newest of them if all of these took much longer than was usual.
    """

    seconds: float
    most_seconds: float
    runs: int = Field(validation_alias="count")


class JobWithUsual(Job):
    """A job, and how long its runs usually take; null if fewer than three have completed.

    A run took as long as the attempt that ended it, without earlier ones and the waits between them. An edit may send
    `usual` back; it is ignored.
    """

    usual: UsualDuration | None = None

    @classmethod
    def of(cls, view: JobView, usual: Usual | None) -> Self:
        """Returns a job as callers get it."""
        shown = None if usual is None else UsualDuration.model_validate(usual)
        return cls.model_validate(view).model_copy(update={"usual": shown})


class JobPage(Shown):
    """A page of the list of jobs; `next` is the path of the next page.

    `count` may be a minute old, and is an estimate beyond 100,000.
    """

    count: int
    next: str | None
    previous: str | None = None
    results: list[Job]


class Occurrence(Shown):
    """One coming occurrence: its nominal instant, and when it is due, with jitter."""

    scheduled_for: datetime
    due_at: datetime


class NextOccurrences(Shown):
    """A job's next occurrences."""

    next: list[Occurrence]
