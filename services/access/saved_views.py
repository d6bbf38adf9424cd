"""Saved views: a caller's filters of lists, each under a name. Those without an account share theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.errors import Conflict, NotFound
from core.principals import Principal
from models import database, saved_views
from models.pauses import Gate
from models.tables import SavedView
from services.system import System

MAX_VIEWS = 50
_OF_NOBODY = UUID(int=0)


class ViewedList(StrEnum):
    """A list that views are of."""

    JOBS = "jobs"
    RUNS = "runs"


@dataclass(frozen=True)
class SavedFilter:
    """A filter of a list, under its name."""

    id: UUID
    list: ViewedList
    name: str
    query: Mapping[str, str]
    created_at: datetime


def listed(principal: Principal, of_list: ViewedList | None = None) -> list[SavedFilter]:
    """Returns the caller's views, of one list if it is named, by name."""
    with database.reading():
        return [_view(one) for one in saved_views.of(_owner(principal), of_list)]


def put(principal: Principal, system: System, of_list: ViewedList, name: str, query: Mapping[str, str]) -> SavedFilter:
    """Save a view, in place of the caller's view of that list and name. Raises `Conflict` for too many."""
    owner_id = _owner(principal)
    with system.transaction(Gate.UNUSED) as unit:
        view = saved_views.put(owner_id, of_list, name, query, unit.now)
        if saved_views.count(owner_id) > MAX_VIEWS:
            raise Conflict(f"You have {MAX_VIEWS} views already; delete those that are no longer used.")
    return _view(view)


def delete(principal: Principal, system: System, view_id: UUID) -> None:
    """Delete one of the caller's views. Raises `NotFound`."""
    with system.transaction(Gate.UNUSED):
        if not saved_views.remove(_owner(principal), view_id):
            raise NotFound("view of yours", view_id)


def _owner(principal: Principal) -> UUID:
    return principal.caller_id or _OF_NOBODY


def _view(row: SavedView) -> SavedFilter:
    return SavedFilter(row.id, ViewedList(row.list), row.name, row.query or {}, row.created_at)
