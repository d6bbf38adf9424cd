"""003, cron jobs: a name, a cron expression, and parameters whose `action` says what to do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, RootModel, create_model, field_validator

from api.schemas.values import Given, Instant, Name, Shown, TaskType
from api.sources import translating
from api.sources.cron_jobs import words
from core import schedules
from core.principals import Principal
from core.schedules import cron
from core.states import JobStatus
from services.jobs.definition import NewJob
from services.reading.views import JobView
from services.task_types import registry, request_masks

DEFAULT_ACTION = "job"
SEND_EMAIL = "send_email"


class _Action(Given):
    action: TaskType


class NewCronJob(Given):
    """A recurring job, from `start_time` on; that may be in the past, but past occurrences do not run.

    `parameters.action` is a task type that works here, or the name of a callback (default `job`). `is_active: false`
    pauses the job.
    """

    name: Name
    description: Annotated[str, Field(max_length=10_000)] = ""
    cron_expression: Annotated[str, Field(examples=["0 9 * * 1"])]
    start_time: Instant | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    is_active: bool = True

    @field_validator("cron_expression")
    @classmethod
    def _can_happen(cls, expression: str) -> str:
        try:
            cron.parse(expression)
        except cron.InvalidCron as error:
            raise ValueError(error.message) from None
        return expression

    @field_validator("parameters")
    @classmethod
    def _names_an_action(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        action = parameters.get("action", DEFAULT_ACTION)
        try:
            _Action(action=action)
        except ValueError:
            raise ValueError(
                "has an action that is not a valid name; write 1 to 100 letters, digits, dots, hyphens or underscores."
            ) from None
        return parameters

    def parsed(self, principal: Principal) -> NewJob:
        """Returns the job as services take it."""
        action = self.parameters.get("action", DEFAULT_ACTION)
        return NewJob(
            app_name=words.SOURCE.app_name,
            account_id=principal.name,
            user_id=principal.name,
            owner_id=principal.user_id,
            name=self.name,
            task_type=action,
            data=self._data(action),
            metadata={
                "description": self.description,
                "parameters": request_masks.masked_data(action, self.parameters),
            },
            schedule=schedules.Cron(expression=self.cron_expression, starts_at=self.start_time),
            paused=not self.is_active,
        )

    def _data(self, action: str) -> dict[str, Any]:
        """Returns the task's data: all parameters for a callback, else those of its type, for e-mail with its text."""
        if action != SEND_EMAIL and registry.find(action) is None:
            return self.parameters
        own = {name: value for name, value in self.parameters.items() if name != "action"}
        if action != SEND_EMAIL or "emails" in own:
            return own
        return {"subject": self.name, "body": self.description or self.name, **own}


class WholeCronJob(NewCronJob):
    """A job's whole definition; members that cannot be changed may be sent back as they are shown."""

    model_config = ConfigDict(extra="allow")


_PATCHED: Any = {name: (field.annotation | None, None) for name, field in NewCronJob.model_fields.items()}  # type: ignore[operator]  # every field's type takes `| None`
CronJobPatch = create_model("CronJobPatch", __doc__="The members that are to change.", **_PATCHED)


class CronJob(Shown):
    """A cron job in the spelling of its source system."""

    id: UUID
    name: str
    description: str
    cron_expression: str
    start_time: datetime | None
    parameters: dict[str, Any]
    last_run: datetime | None
    next_run: datetime | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


class CronJobs(RootModel[list[CronJob]]):
    """A page of jobs, newest first."""


def show(view: JobView) -> CronJob:
    """Returns a job as 003 shows it, as far as it can if the job was made in another spelling."""
    metadata = view.metadata or {}
    active = view.status not in (JobStatus.PAUSED, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
    return CronJob(
        id=view.id,
        name=view.name or "",
        description=str(metadata.get("description", "")),
        cron_expression=view.schedule.expression if isinstance(view.schedule, schedules.Cron) else "",
        start_time=translating.scheduled_time(view),
        parameters=_parameters(view, metadata),
        last_run=None if view.last_run is None else view.last_run.started_at,
        next_run=view.next_run_at,
        is_active=active,
        created_at=view.created_at,
        updated_at=view.updated_at,
    )


def asked_for(shown: CronJob) -> NewCronJob:
    """Returns the request that would produce a job as it is shown."""
    known = {name: getattr(shown, name) for name in NewCronJob.model_fields}
    return NewCronJob.model_construct(**known)  # unchecked: a job of another section may have no name


def _parameters(view: JobView, metadata: dict[str, Any]) -> dict[str, Any]:
    """Returns the parameters that 003 stored; a job of another section may have anything in their place."""
    parameters = metadata.get("parameters")
    found = parameters if isinstance(parameters, dict) else {"action": view.task_type, **(view.data or {})}
    return found if isinstance(found.get("action", ""), str) else {**found, "action": view.task_type}
