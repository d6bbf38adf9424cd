"""Queries on the audit log."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import peewee

from core.auditing import AuditFilter
from models import apps
from models.tables import App, AuditEntry


def insert(rows: Sequence[dict[str, Any]]) -> None:
    """Store entries."""
    AuditEntry.insert_many(rows).execute()


def newest(thing: str, thing_id: str, actions: Collection[str]) -> AuditEntry | None:
    """Returns the newest entry of a thing that tells of one of these actions."""
    query: Any = AuditEntry.select().where(
        AuditEntry.thing_id == thing_id, AuditEntry.thing == thing, AuditEntry.action.in_(actions)
    )
    found: AuditEntry | None = query.order_by(AuditEntry.id.desc()).first()
    return found


def page(wanted: AuditFilter, app_ids: Collection[UUID] | None, after: UUID | None, limit: int) -> list[AuditEntry]:
    """Returns entries that fit, of these apps or of all, newest first, with the apps that are still there."""
    query: Any = AuditEntry.select(AuditEntry, App.id, App.name).join(
        App, peewee.JOIN.LEFT_OUTER, on=AuditEntry.app_id == App.id, attr="app"
    )
    if app_ids is not None:
        query = query.where(AuditEntry.app_id.in_(sorted(app_ids)) if app_ids else peewee.SQL("1 = 0"))
    if wanted.app_name is not None:
        query = query.where(AuditEntry.app_id == apps.id_of(wanted.app_name))
    for column, value in (
        (AuditEntry.principal, wanted.principal),
        (AuditEntry.thing, wanted.thing),
        (AuditEntry.thing_id, wanted.thing_id),
    ):
        query = query if value is None else query.where(column == value)
    if wanted.since is not None:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.before is not None:
        query = query.where(AuditEntry.at < wanted.before)
    if after is not None:
        query = query.where(AuditEntry.id < after)
    return list(query.order_by(AuditEntry.id.desc()).limit(limit))
