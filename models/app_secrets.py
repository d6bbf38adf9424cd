"""Queries on the secrets that apps' requests name."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from models.tables import AppSecret


def of_app(app_id: UUID) -> list[AppSecret]:
    """Returns an app's secrets, by name."""
    return list(AppSecret.select().where(AppSecret.app == app_id).order_by(AppSecret.name))


def sealed(app_id: UUID, names: Collection[str]) -> dict[str, str]:
    """Returns an app's sealed secrets with these names."""
    query = AppSecret.select(AppSecret.name, AppSecret.sealed)
    return {row.name: row.sealed for row in query.where(AppSecret.app == app_id, AppSecret.name.in_(list(names)))}


def put(app_id: UUID, name: str, sealed_secret: str, now: datetime) -> bool:
    """Store an app's secret under a locked app, in place of one of the same name. Returns whether there was none."""
    changed = {"sealed": sealed_secret, "updated_at": now}
    same = (AppSecret.app == app_id) & (AppSecret.name == name)
    if AppSecret.update(changed).where(same).execute():
        return False
    AppSecret.create(app=app_id, name=name, sealed=sealed_secret, created_at=now, updated_at=now)
    return True


def delete(app_id: UUID, name: str) -> bool:
    """Delete an app's secret. Returns whether there was one."""
    same = (AppSecret.app == app_id) & (AppSecret.name == name)
    return bool(AppSecret.delete().where(same).execute())
