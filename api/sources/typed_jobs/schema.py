"""001, typed jobs: `job_type` and `parameters`, with a schedule of three members."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel

from api import validation
from api.schemas.jobs import Job, NewJob
from api.schemas.shown_schedules import show
from api.schemas.values import FrequencyWord, Given, Instant, Priority, Retries, TaskType
from api.sources import translating
from api.sources.source import plain_status
from api.sources.typed_jobs import words
from core import schedules
from core.errors import InvalidInput
from core.principals import Principal
from core.priority import DEFAULT_PRIORITY
from core.schedules import Frequency
from core.states import JobStatus
from services.jobs import definition
from services.reading.views import JobView

RETRIES = 3
BACKOFF_SECONDS = 2.0
_FREQUENCIES = tuple(one.value for one in Frequency)


class NewTypedJob(Given):
    """A job of a type that the server performs itself.

    `immediate` takes no `scheduled_time`; `scheduled` and `interval` need one in the future, `interval` a `frequency`.
    """

    job_type: TaskType
    parameters: dict[str, Any] = Field(default_factory=dict)
    priority: Priority = DEFAULT_PRIORITY
    max_retries: Retries = RETRIES
    schedule_type: Literal["immediate", "scheduled", "interval"] = "immediate"
    scheduled_time: Instant | None = None
    frequency: FrequencyWord | None = None

    def parsed(self, principal: Principal, now: datetime) -> definition.NewJob:
        """Returns the job as services take it. Raises `InvalidInput`."""
        translating.expect_known("job_type", self.job_type)
        return definition.NewJob(
            app_name=words.SOURCE.app_name,
            account_id=principal.name,
            user_id=principal.name,
            owner_id=principal.user_id,
            task_type=self.job_type,
            data=self.parameters,
            priority=self.priority,
            max_retries=self.max_retries,
            retry_backoff_base=BACKOFF_SECONDS,
            schedule=schedule(self.schedule_type, self.scheduled_time, self.frequency, now),
        )


class AnyNewJob(RootModel[NewJob | NewTypedJob]):
    """A job in either spelling: the usual one has `task_type`, that of typed jobs `job_type`."""


class TypedFields(Given):
    """The members of a patch that only 001 has."""

    job_type: TaskType
    parameters: dict[str, Any]
    schedule_type: Annotated[str, Field(max_length=20)]
    scheduled_time: Instant | None
    frequency: FrequencyWord | None


_FIELDS = frozenset(TypedFields.model_fields)


def schedule(kind: str, at: datetime | None, frequency: str | None, now: datetime) -> schedules.Schedule:
    """Returns the schedule of 001's three members, which must begin in the future. Raises `InvalidInput`."""
    translating.expect_future("scheduled_time", at, now)
    return _schedule(kind, at, frequency)


def _schedule(kind: str, at: datetime | None, frequency: str | None) -> schedules.Schedule:
    if frequency is not None and kind != "interval":
        raise InvalidInput.at("frequency", f"goes with schedule_type interval, not with {kind}; leave it out.")
    match kind:
        case "immediate" if at is None:
            return schedules.Immediate()
        case "immediate":
            raise InvalidInput.at("scheduled_time", "does not go with an immediate job; leave it out.")
        case "scheduled" if at is not None:
            return schedules.RunAt(at)
        case "interval" if at is not None and frequency is not None:
            return schedules.Interval(every_seconds=None, frequency=Frequency(frequency), starts_at=at)
        case "interval" if frequency is None:
            raise InvalidInput.at("frequency", f"is required for an interval; give one of {', '.join(_FREQUENCIES)}.")
        case "scheduled" | "interval":
            raise InvalidInput.at("scheduled_time", f"is required for schedule_type {kind}; give one in the future.")
        case _:
            raise InvalidInput.at("schedule_type", f"must be immediate, scheduled or interval, not {kind!r}.")


def patch(view: JobView, given: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Returns our merge patch for one in 001's spelling; any other patch unchanged.

    Raises `InvalidInput` for wrong members.
    """
    shown = Job.model_validate(view).model_dump(mode="json")
    ours = {name: value for name, value in given.items() if name not in TypedFields.model_fields}
    theirs = {name: given[name] for name in TypedFields.model_fields if name in given and given[name] != shown[name]}
    if not theirs:
        return ours
    wanted = validation.body(TypedFields, {**{name: shown[name] for name in TypedFields.model_fields}, **theirs})
    if "scheduled_time" in theirs:
        translating.expect_future("scheduled_time", wanted.scheduled_time, now)
    if "job_type" in theirs:
        translating.expect_known("job_type", wanted.job_type)
        ours["task_type"] = wanted.job_type
    if "parameters" in theirs:
        ours["data"] = {**dict.fromkeys(view.data or {}), **wanted.parameters}
    if theirs.keys() & {"schedule_type", "scheduled_time", "frequency"}:
        ours["schedule"] = _patched_schedule(wanted, theirs)
    return ours


def refuse_begun(view: JobView, given: Any) -> None:
    """Raise `InvalidInput` for a patch of a job that is not pending, if the job or the patch is in 001's spelling."""
    theirs = view.app_name == words.SOURCE.app_name or _in_theirs(given)
    status = plain_status(view.status)
    if theirs and status is not JobStatus.PENDING:
        raise InvalidInput.at("status", f"is {status.value}: only a pending job can be changed; create a new one.")


def names(given: Any) -> dict[str, str]:
    """Returns the names that a patch's spelling has for our members."""
    return words.FIELDS if _in_theirs(given) else {}


def _in_theirs(patch: Any) -> bool:
    return isinstance(patch, dict) and not _FIELDS.isdisjoint(patch)


def _patched_schedule(wanted: TypedFields, theirs: dict[str, Any]) -> dict[str, Any]:
    """Returns our schedule, in JSON; current members that a new kind does not use are left out, unless given."""
    at = wanted.scheduled_time
    if wanted.schedule_type == "immediate" and "scheduled_time" not in theirs:
        at = None
    frequency = wanted.frequency if wanted.schedule_type == "interval" or "frequency" in theirs else None
    made = show(_schedule(wanted.schedule_type, at, frequency)).model_dump(mode="json")
    return {name: value for name, value in made.items() if name != "anchor_at"}
