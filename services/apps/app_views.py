"""Apps as they are requested and shown: in an app's view, secrets of its requests are masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core import etags
from models import apps, pause_ends
from models.tables import App, AppTaskType
from services.reading.views import view_of
from services.task_types import request_masks

Request = Mapping[str, Any]


@dataclass(frozen=True)
class TaskTypePolicy:
    """How a task type is retried (None: by the installation's settings), and the request that its jobs send.

    `limit_key` is filled from each job's data: the runs of equal keys share the limit of `key:APP/...`.
    """

    max_retries: int | None = None
    retry_backoff_base: float | None = None
    request: Mapping[str, Any] | None = None
    limit_key: str | None = None


Policies = Mapping[str, TaskTypePolicy]


@dataclass(frozen=True)
class AppDefinition:
    """The requested definition of an app; `destination_breaker` None: by the installation's settings."""

    callback_base_url: str | None = None
    task_types: Mapping[str, TaskTypePolicy] = field(default_factory=dict)
    destination_breaker: bool | None = None


@dataclass(frozen=True)
class AppView:
    """An app as it is shown."""

    id: UUID
    name: str
    callback_base_url: str | None
    task_types: Mapping[str, TaskTypePolicy]
    destination_breaker: bool | None
    paused_at: datetime | None
    paused_until: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def etag(self) -> str:
        """The ETag of its definition, as it is shown: a pause does not change it, nor does another masked secret."""
        return etags.of([str(self.id), recorded(self)])


def view(app: App) -> AppView:
    """Returns an app as it is shown, read in the caller's transaction."""
    return _view_with(app, apps.task_types(app), pause_ends.of([app.id] if app.paused_at else []))


def views(found: Sequence[App], types: Mapping[UUID, Iterable[AppTaskType]]) -> list[AppView]:
    """Returns these apps as they are shown, with those of these task types that each has."""
    ends = pause_ends.of([app.id for app in found if app.paused_at])
    return [_view_with(app, types.get(app.id, ()), ends) for app in found]


def recorded(view: AppView) -> dict[str, Any]:
    """Returns the definition of an app as the audit log has it."""
    types = {name: asdict(policy) for name, policy in view.task_types.items()}
    return {
        "callback_base_url": view.callback_base_url,
        "task_types": types,
        "destination_breaker": view.destination_breaker,
    }


def _view_with(app: App, task_types: Iterable[AppTaskType], pauses: Mapping[UUID, datetime]) -> AppView:
    return AppView(
        id=app.id,
        name=app.name,
        callback_base_url=app.callback_base_url,
        task_types={row.name: _shown(row) for row in task_types},
        destination_breaker=app.destination_breaker,
        paused_at=app.paused_at,
        paused_until=pauses.get(app.id),
        created_at=app.created_at,
        updated_at=app.updated_at,
    )


def _shown(row: AppTaskType) -> TaskTypePolicy:
    return view_of(TaskTypePolicy, row, request=request_masks.masked(row.request))
