"""Queries on open breakers. A breaker that is closed has no row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from core import breakers as rules
from models.tables import App, Breaker, HeldKey


def any_is_open() -> bool:
    """Whether any breaker is open."""
    return bool(Breaker.select(Breaker.key).limit(1).count())


def open_destinations() -> frozenset[tuple[UUID, str]]:
    """Returns the app and the host of each open breaker."""
    return frozenset((row.app_id, row.host) for row in Breaker.select(Breaker.app_id, Breaker.host))


def wanted_by_apps() -> Mapping[UUID, bool]:
    """Returns the apps that override whether breakers are used, each with its choice."""
    query = App.select(App.id, App.destination_breaker).where(App.destination_breaker.is_null(False))
    return {app.id: bool(app.destination_breaker) for app in query}


def by_key(key: str) -> Breaker | None:
    """Returns the open breaker of a destination."""
    return Breaker.get_or_none(Breaker.key == key)


def state(row: Breaker) -> rules.Breaker:
    """Returns the state of a stored breaker."""
    return rules.Breaker(row.places, row.probe_at, row.wait_seconds)


def open_new(key: str, app_id: UUID, host: str, breaker: rules.Breaker, now: datetime) -> bool:
    """Store a breaker that opens; False if it is open already."""
    row = {"key": key, "app_id": app_id, "host": host, "opened_at": now, **asdict(breaker)}
    return bool(list(Breaker.insert(row).on_conflict_ignore().returning(Breaker.key).execute()))


def replace(key: str, former: rules.Breaker, new: rules.Breaker | None) -> bool:
    """Replace the state of a breaker, None to close it, if it still is as given. Returns whether it was."""
    same = (Breaker.key == key) & (Breaker.places == former.places) & (Breaker.probe_at == former.probe_at)
    if new is None:
        return bool(Breaker.delete().where(same).execute())
    return bool(Breaker.update(**asdict(new)).where(same).execute())


def probe_by(instant: datetime, beyond: datetime) -> int:
    """Probe at an instant the destinations that are probed beyond another only. Returns how many."""
    return int(Breaker.update(probe_at=instant).where(Breaker.probe_at > beyond).execute())


def delete(key: str) -> None:
    """Close a breaker."""
    Breaker.delete().where(Breaker.key == key).execute()


def delete_idle(before: datetime) -> list[Breaker]:
    """Close the breakers whose probe was due before this instant and that hold no run. Returns them."""
    holding = HeldKey.select(HeldKey.key)
    query = Breaker.delete().where(Breaker.probe_at < before, Breaker.key.not_in(holding))
    return list(query.returning(Breaker).execute())


def page(app_ids: Collection[UUID] | None, limit: int) -> list[Breaker]:
    """Returns a page of the open breakers of these apps, or of all, by key."""
    query = Breaker.select().order_by(Breaker.key).limit(limit)
    return list(query if app_ids is None else query.where(Breaker.app_id.in_(sorted(app_ids))))
