"""Queries on apps and their task types."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from models.tables import App, AppTaskType


def by_name(name: str) -> App | None:
    """The app of this name."""
    return App.get_or_none(App.name == name)


def by_names(names: Iterable[str]) -> dict[str, App]:
    """The apps of these names, as far as there are any."""
    return {app.name: app for app in App.select().where(App.name.in_(sorted(set(names))))}


def made_on_first_use(name: str, now: datetime) -> App:
    """The app of this name, made if there is none; two at once make one."""
    App.insert(name=name, created_at=now, updated_at=now).on_conflict_ignore().execute()
    return App.get(App.name == name)


def set_callback_base_url(app: App, url: str | None, now: datetime) -> None:
    """Change whom an app's jobs call."""
    App.update(callback_base_url=url, updated_at=now).where(App.id == app.id).execute()


def task_types(app: App) -> list[AppTaskType]:
    """An app's task types, by name."""
    return list(AppTaskType.select().where(AppTaskType.app == app).order_by(AppTaskType.name))


def task_type(app: App, name: str) -> AppTaskType | None:
    """How an app wants this task type retried, if it says."""
    return AppTaskType.get_or_none(AppTaskType.app == app, AppTaskType.name == name)


def replace_task_types(app: App, rows: Iterable[dict[str, Any]]) -> None:
    """Make these an app's task types, in place of those it had."""
    AppTaskType.delete().where(AppTaskType.app == app).execute()
    wanted = [{"app": app.id, **row} for row in rows]
    if wanted:
        AppTaskType.insert_many(wanted).execute()
