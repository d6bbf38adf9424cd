"""Apps as callers write them and get them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.schemas.values import AppName, Backoff, BaseUrl, Given, Retries, Shown, TaskType
from core.version import VERSION
from services import apps

MOST_TASK_TYPES = 1_000


class NewTaskType(Given):
    """How a task type is retried; what is left out follows the installation's settings."""

    max_retries: Retries | None = None
    retry_backoff_base: Backoff | None = None


class NewApp(Given):
    """What an app is to be: all of it, so what is left out is empty."""

    callback_base_url: BaseUrl | None = None
    task_types: Annotated[dict[TaskType, NewTaskType], Field(max_length=MOST_TASK_TYPES)] = Field(default_factory=dict)

    def policies(self) -> dict[str, apps.TaskTypePolicy]:
        """The task types as the services take them."""
        return {
            name: apps.TaskTypePolicy(given.max_retries, given.retry_backoff_base)
            for name, given in self.task_types.items()
        }


class NamedApp(Given):
    """An app's name, as it stands in a path."""

    name: AppName


class TaskTypeOfApp(Shown):
    """How a task type is retried; null follows the installation's settings."""

    max_retries: int | None
    retry_backoff_base: float | None


class App(Shown):
    """A tenant's application."""

    name: str
    callback_base_url: str | None
    task_types: dict[str, TaskTypeOfApp]
    paused_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Installation(Shown):
    """What holds for all apps at once."""

    version: str = VERSION
    paused_at: datetime | None
