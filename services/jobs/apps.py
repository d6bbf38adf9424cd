"""Read and change apps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import masking
from core.errors import InvalidInput, NotFound
from core.principals import Principal
from models import apps, database
from models.pauses import Gate
from models.tables import App, AppTaskType
from services.reading.views import view_of
from services.secrets import signing
from services.system import System
from services.task_types import header_masks

Request = Mapping[str, Any]


@dataclass(frozen=True)
class TaskTypePolicy:
    """How a task type is retried (None: by the installation's settings), and the request that its jobs send."""

    max_retries: int | None = None
    retry_backoff_base: float | None = None
    request: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class AppView:
    """An app as it is shown."""

    name: str
    callback_base_url: str | None
    task_types: Mapping[str, TaskTypePolicy]
    paused_at: datetime | None
    created_at: datetime
    updated_at: datetime


def get(principal: Principal, name: str) -> AppView:
    """Returns the app with this name. Raises `NotFound`, and `Forbidden` unless the principal is an administrator."""
    principal.expect_administration()
    with database.reading():
        app = apps.by_name(name)
        if app is None:
            raise NotFound("app", name)
        return _view(app)


def ensure(system: System, name: str) -> None:
    """Create the app with this name if it does not exist: a built-in one, for its first job."""
    with system.transaction(Gate.UNUSED):
        apps.made_on_first_use(name, system.clock.now())


def put(
    principal: Principal,
    system: System,
    name: str,
    callback_base_url: str | None,
    task_types: Mapping[str, TaskTypePolicy],
) -> tuple[AppView, bool]:
    """Create or replace an app. Returns it, and whether it is new. Raises `Forbidden` except for administrators."""
    principal.expect_administration()
    with system.transaction(Gate.UNUSED) as work:
        now = work.now
        is_new = apps.by_name(name) is None
        app = apps.made_on_first_use(name, now)
        if is_new:
            signing.make_first(system, app.id)
        apps.set_callback_base_url(app, callback_base_url, now)
        stored = {row.name: row.request for row in apps.task_types(app)}
        apps.replace_task_types(
            app,
            [
                {
                    "name": task_type,
                    "max_retries": policy.max_retries,
                    "retry_backoff_base": policy.retry_backoff_base,
                    "request": _unmasked(task_type, policy.request, stored.get(task_type)),
                }
                for task_type, policy in task_types.items()
            ],
        )
        return _view(apps.made_on_first_use(name, now)), is_new


def _unmasked(task_type: str, request: Request | None, stored: Request | None) -> Request | None:
    """A request with the headers that are stored, where they came back as they are shown. Raises `InvalidInput`."""
    restored = header_masks.restored(request, stored)
    for name, value in (restored or {}).get("headers", {}).items():
        if masking.is_mask(name, value):
            raise InvalidInput.at(f"task_types.{task_type}.request.headers.{name}", masking.fault_of_mask(name))
    return restored


def _shown(row: AppTaskType) -> TaskTypePolicy:
    return view_of(TaskTypePolicy, row, request=header_masks.masked(row.request))


def _view(app: App) -> AppView:
    return AppView(
        name=app.name,
        callback_base_url=app.callback_base_url,
        task_types={row.name: _shown(row) for row in apps.task_types(app)},
        paused_at=app.paused_at,
        created_at=app.created_at,
        updated_at=app.updated_at,
    )
