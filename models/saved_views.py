"""Queries on saved views of lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from models.tables import SavedView


def of(owner_id: UUID, of_list: str | None) -> list[SavedView]:
    """Returns a caller's views, of one list if it is named, by name."""
    query = SavedView.select().where(SavedView.owner_id == owner_id)
    if of_list is not None:
        query = query.where(SavedView.list == of_list)
    return list(query.order_by(SavedView.name, SavedView.list))


def put(owner_id: UUID, of_list: str, name: str, query: Mapping[str, str], now: datetime) -> SavedView:
    """Store a view, replacing one with the same name. Returns it."""
    SavedView.insert(owner_id=owner_id, list=of_list, name=name, query=dict(query), created_at=now).on_conflict(
        conflict_target=[SavedView.owner_id, SavedView.list, SavedView.name],
        update={SavedView.query: dict(query), SavedView.created_at: now},
    ).execute()
    mine = (SavedView.owner_id == owner_id) & (SavedView.list == of_list) & (SavedView.name == name)
    stored: SavedView = SavedView.get(mine)
    return stored


def count(owner_id: UUID) -> int:
    """Returns how many views a caller has."""
    return int(SavedView.select().where(SavedView.owner_id == owner_id).count())


def remove(owner_id: UUID, view_id: UUID) -> bool:
    """Delete a caller's view. Returns whether there was one."""
    return bool(SavedView.delete().where(SavedView.owner_id == owner_id, SavedView.id == view_id).execute())
