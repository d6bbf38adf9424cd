"""Queries on apps and their task types."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import peewee

from core import names
from models import changes, sized
from models.database import attempt, for_update
from models.tables import App, AppTaskType

Found = TypeVar("Found")


def by_name(name: str) -> App | None:
    """Returns the app with this name, in any spelling."""
    return by_names([name]).get(name)


def as_spelled(name: str) -> str | None:
    """Returns the name of the app that is meant by a name in any spelling; None if there is no such app."""
    found = by_name(name)
    return None if found is None else str(found.name)


def by_id(app_id: UUID) -> App | None:
    """Returns the app of this id."""
    app: App | None = App.get_or_none(App.id == app_id)
    return app


def by_names(wanted: Iterable[str]) -> dict[str, App]:
    """Returns the apps with these names, in any spelling."""
    wanted = list(wanted)
    query = App.select().where(App.name_key.in_(sorted({key for name in wanted for key in names.keys(name)})))
    return of_names(wanted, {app.name_key: app for app in query})


def of_names(wanted: Iterable[str], by_keys: Mapping[str, Found]) -> dict[str, Found]:
    """Returns for each name the app whose key is exactly this spelling, else the app whose key all spellings share.

    A name that no app has is left out.
    """
    keys = {name: names.keys(name) for name in wanted}
    found = {name: by_keys.get(old) or by_keys.get(key) for name, (key, old) in keys.items()}
    return {name: app for name, app in found.items() if app is not None}


def id_of(name: str) -> Any:
    """Returns the id of the app of this name, as a part of a query."""
    app = App.alias()
    both = app.select(app.id).where(app.name_key.in_(names.keys(name)))
    return both.order_by(app.name_key.desc()).limit(1)  # its own spelling first, whose key is the longer one


def insert(name: str, now: datetime, maker_id: UUID | None = None) -> App | None:
    """Store a new app of the user who makes it; None if another has this name, in any spelling."""
    app = App(name=name, name_key=names.folded(name), maker_id=maker_id, created_at=now, updated_at=now)
    stored = App.insert(app.__data__).on_conflict_ignore().returning(App.id)
    return app if list(stored.execute()) else None


def count_of_maker(user_id: UUID) -> int:
    """Returns how many apps a user has made that are still there."""
    return int(App.select().where(App.maker_id == user_id).count())


def names_of(app_ids: Collection[UUID]) -> dict[UUID, str]:
    """Returns the names of these apps, by id."""
    return {app.id: app.name for app in App.select(App.id, App.name).where(App.id.in_(list(app_ids)))}


def page(app_ids: Collection[UUID] | None, after: UUID | None, limit: int) -> list[App]:
    """Returns a page of these apps, or of all: those after a given one, newest first."""
    query = App.select() if app_ids is None else App.select().where(App.id.in_(sorted(app_ids)))
    if after is not None:
        query = query.where(App.id < after)
    return list(query.order_by(App.id.desc()).limit(limit))


def lock(app: App) -> App | None:
    """Lock an app until the transaction ends. Returns it as it is now; None if it was deleted since it was read."""
    locked = list(for_update(App.select().where(App.id == app.id)))
    return locked[0] if locked else None


def delete_if_empty(app: App) -> bool:
    """Delete an app with its task types, members and keys; returns whether it had no jobs, deleted ones included."""

    def delete() -> None:
        AppTaskType.delete().where(AppTaskType.app == app).execute()
        App.delete().where(App.id == app.id).execute()

    error = attempt(delete)
    if error is None or isinstance(error, peewee.IntegrityError):
        return error is None
    raise error


def redefine(app: App, url: str | None, breaker: bool | None, now: datetime) -> None:
    """Change the base URL that an app's jobs call, and whether it uses breakers."""
    App.update(callback_base_url=url, destination_breaker=breaker, updated_at=now).where(App.id == app.id).execute()
    changes.note(apps=[app.id])


def task_types(app: App) -> list[AppTaskType]:
    """Returns an app's task types, by name."""
    return list(AppTaskType.select().where(AppTaskType.app == app).order_by(AppTaskType.name))


def task_types_by_app(app_ids: Collection[UUID]) -> dict[UUID, list[AppTaskType]]:
    """Returns the task types of each of these apps, by name."""
    found: dict[UUID, list[AppTaskType]] = {app_id: [] for app_id in app_ids}
    for row in AppTaskType.select().where(AppTaskType.app.in_(list(app_ids))).order_by(AppTaskType.name):
        found[row.app_id].append(row)
    return found


def task_types_octets(app_ids: Collection[UUID]) -> dict[UUID, int]:
    """Returns how many bytes the requests of each of these apps have; apps without task types are left out."""
    total = peewee.fn.SUM(sized.octets(AppTaskType.request))
    query: Any = AppTaskType.select(AppTaskType.app, total).where(AppTaskType.app.in_(list(app_ids)))
    return {app_id: int(size) for app_id, size in query.group_by(AppTaskType.app).tuples()}


def task_type(app_id: UUID, name: str) -> AppTaskType | None:
    """Returns an app's policy for a task type, if it has one."""
    return AppTaskType.get_or_none(AppTaskType.app == app_id, AppTaskType.name == name)


def replace_task_types(app: App, rows: Iterable[dict[str, Any]]) -> None:
    """Replace an app's task types."""
    AppTaskType.delete().where(AppTaskType.app == app).execute()
    wanted = [{"app": app.id, **row} for row in rows]
    if wanted:
        AppTaskType.insert_many(wanted).execute()
