"""Apps as callers write them and get them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, field_validator

from api.schemas.values import AppName, Backoff, BaseUrl, Given, LimitKey, Retries, Shown, TaskType
from core.version import VERSION
from services.apps.app_views import AppDefinition, TaskTypePolicy
from services.task_types import filling, registry
from services.task_types.http import HttpRequest

MAX_TASK_TYPES = 1_000


class NewTaskType(Given):
    """How a task type is retried; for what is left out, the installation's settings apply.

    With `request`, jobs of this type send that request instead of a callback. `limit_key` is filled from a job's data,
    for example `{{data.customer}}`: equal keys share the limit that `key:APP/...` has.
    """

    max_retries: Retries | None = None
    retry_backoff_base: Backoff | None = None
    request: HttpRequest | None = None
    limit_key: LimitKey | None = None


def _few_values(task_types: Any) -> Any:
    """Returns task types that have few enough values to fill in, which takes less time to count than to check."""
    each = task_types.values() if isinstance(task_types, dict) else ()
    if fault := filling.fault_of_count(sum(map(filling.values_in, each))):
        raise ValueError(fault)
    return task_types


_BOUNDS = (Field(max_length=MAX_TASK_TYPES), BeforeValidator(_few_values))


class BoundedTaskTypes(Given):
    """The task types of an app, of which nothing is checked but the bounds that they share."""

    task_types: Annotated[dict[str, Any], *_BOUNDS]


class NewApp(Given):
    """An app's whole definition: what is left out is empty.

    With `destination_breaker`, a host is left alone while most calls to it fail; null: as DESTINATION_BREAKER says.
    The apps that all users share have no breakers.
    """

    callback_base_url: BaseUrl | None = None
    destination_breaker: bool | None = None
    task_types: Annotated[dict[TaskType, NewTaskType], *_BOUNDS] = Field(default_factory=dict)

    @field_validator("task_types")
    @classmethod
    def _own_names(cls, task_types: dict[str, NewTaskType]) -> dict[str, NewTaskType]:
        for name, given in task_types.items():
            if given.request is not None and registry.find(name) is not None:
                raise ValueError(f"gives {name!r} a request, but that is a type of Carillon's own; take another name.")
        return task_types

    def definition(self) -> AppDefinition:
        """The app's definition in the form that the services take."""
        return AppDefinition(self.callback_base_url, self.policies(), self.destination_breaker)

    def policies(self) -> dict[str, TaskTypePolicy]:
        """Returns the task types as services take them."""
        return {
            name: TaskTypePolicy(given.max_retries, given.retry_backoff_base, _as_json(given.request), given.limit_key)
            for name, given in self.task_types.items()
        }


def _as_json(request: HttpRequest | None) -> dict[str, Any] | None:
    """Returns a request as it is stored and shown: only the members that were given."""
    return None if request is None else request.model_dump(exclude_unset=True)


class WholeApp(NewApp):
    """An app's whole definition; members that cannot be changed may be sent back as they are shown."""

    model_config = ConfigDict(extra="allow")


class NewNamedApp(NewApp):
    """An app to make."""

    name: AppName


class AppPatch(Given):
    """The members of an app to change, as a merge patch: null resets a member to its default."""

    callback_base_url: BaseUrl | None = None
    destination_breaker: bool | None = None
    task_types: Annotated[dict[TaskType, NewTaskType | None], Field(max_length=MAX_TASK_TYPES)] | None = None


class NamedApp(Given):
    """An app's name, as in a path."""

    name: AppName


class TaskTypeOfApp(Shown):
    """How a task type is retried; null: by the installation's settings. `request` is what its jobs send instead."""

    max_retries: int | None
    retry_backoff_base: float | None
    request: dict[str, Any] | None
    limit_key: str | None


class App(Shown):
    """A tenant's application."""

    name: str
    callback_base_url: str | None
    destination_breaker: bool | None
    task_types: dict[str, TaskTypeOfApp]
    paused_at: datetime | None
    paused_until: datetime | None
    created_at: datetime
    updated_at: datetime


class AppPage(Shown):
    """A stretch of the list of apps; `next` is the path of the rest."""

    next: str | None
    results: list[App]


class Installation(Shown):
    """What holds for all apps at once."""

    version: str = VERSION
    paused_at: datetime | None
    paused_until: datetime | None
