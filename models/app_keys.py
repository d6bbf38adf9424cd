"""Queries on the keys of apps."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from models.tables import App, AppKey


def insert(app: App, now: datetime, **values: Any) -> AppKey:
    """Store a new key."""
    key: AppKey = AppKey.create(app=app.id, created_at=now, **values)
    return key


def of_app(app: App) -> list[AppKey]:
    """Returns an app's keys, newest first."""
    return list(AppKey.select().where(AppKey.app == app.id).order_by(AppKey.id.desc()))


def count(app: App) -> int:
    """Returns how many keys an app has."""
    return int(AppKey.select().where(AppKey.app == app.id).count())


def by_hash(hashed: str) -> AppKey | None:
    """Returns the key of this hash, with its app."""
    found: AppKey | None = AppKey.select(AppKey, App).join(App).where(AppKey.hash == hashed).get_or_none()
    return found


def mark_used(key: AppKey, now: datetime) -> None:
    """Record that a key was used."""
    AppKey.update(used_at=now).where(AppKey.id == key.id).execute()


def remove(app: App, key_id: UUID) -> AppKey | None:
    """Delete an app's key by its id. Returns the deleted key."""
    key: AppKey | None = AppKey.get_or_none(AppKey.app == app.id, AppKey.id == key_id)
    if key is not None:
        AppKey.delete().where(AppKey.id == key_id).execute()
    return key
