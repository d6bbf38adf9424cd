"""002, commands: a task is a command line and an instant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, RootModel

from api.schemas.values import Given, Instant, Shown
from api.sources import translating
from api.sources.accounts.schema import ShownUser
from api.sources.commands import words
from core import schedules
from core.principals import Principal
from core.states import JobStatus
from services.access.users import UserView
from services.jobs.definition import NewJob
from services.reading.views import JobView
from services.task_types import run_command

RETRIES = 4
EVERY_SECONDS = 30.0
_LONGEST_COMMAND = 10_000


class NewCommandTask(Given):
    """A command to run at an instant in the future, or at once; `metadata` is stored with it, and not read."""

    command: Annotated[str, Field(min_length=1, max_length=_LONGEST_COMMAND)]
    scheduled_time: Instant | None = None
    metadata: dict[str, Any] | None = None

    def parsed(self, principal: Principal) -> NewJob:
        """Returns the job as services take it: failures are retried every 30 s, four times."""
        at = self.scheduled_time
        return NewJob(
            app_name=words.SOURCE.app_name,
            account_id=principal.name,
            user_id=principal.name,
            owner_id=principal.user_id,
            task_type=run_command.KEY,
            data={"command": self.command},
            metadata=self.metadata,
            schedule=schedules.Immediate() if at is None else schedules.RunAt(at),
            max_retries=RETRIES,
            retry_backoff_base=EVERY_SECONDS,
            retry_backoff_max=EVERY_SECONDS,
        )


def asked_for(shown: CommandTask) -> NewCommandTask:
    """Returns the request that would produce a task as it is shown."""
    known = {name: getattr(shown, name) for name in NewCommandTask.model_fields}
    return NewCommandTask.model_construct(**known)  # unchecked: a job of another section may have other members


class WholeCommandTask(NewCommandTask):
    """A task's whole definition; members that cannot be changed may be sent back as they are shown."""

    model_config = ConfigDict(extra="allow")


class CommandTask(Shown):
    """A task, in the words of its source system: `queued`, `running`, `success`, `failed`, `cancelled`, `paused`."""

    id: UUID
    user: ShownUser | None
    command: str
    scheduled_time: datetime | None
    status: str
    retry_count: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    failed_at: datetime | None
    metadata: dict[str, Any] | None


class CommandTasks(RootModel[list[CommandTask]]):
    """A page of tasks, newest first."""


def show(view: JobView, owners: Mapping[UUID, UserView]) -> CommandTask:
    """Returns a job as 002 shows it."""
    owner = None if view.owner_id is None else owners.get(view.owner_id)
    last = view.last_run
    return CommandTask(
        id=view.id,
        user=None if owner is None else ShownUser.model_validate(owner),
        command=str((view.data or {}).get("command", "")),
        scheduled_time=translating.scheduled_time(view),
        status=words.status_word(view.status),
        retry_count=0 if last is None else last.failure_count,
        created_at=view.created_at,
        started_at=None if last is None else last.started_at,
        finished_at=view.finished_at,
        failed_at=view.finished_at if view.status is JobStatus.FAILED else None,
        metadata=view.metadata,
    )
