"""Queries on signals: when a beat or a tick was last seen."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from models.set_based import chunks
from models.tables import Signal


def mark(name: str, now: datetime, seen_at: datetime | None = None) -> None:
    """Record that a signal was seen: now, or at an earlier instant unless it was seen again since."""
    at = seen_at or now
    was_before = (Signal.at <= at) | (Signal.at > now)  # what is still to come was stored by a clock that was wrong
    Signal.insert(name=name, at=at).on_conflict(
        conflict_target=[Signal.name], update={Signal.at: at}, where=was_before
    ).execute()


def mark_all(names: Collection[str], at: datetime) -> None:
    """Record that signals were seen at an instant."""
    for part in chunks(sorted(names)):
        query = Signal.insert_many([{"name": name, "at": at} for name in part])
        query.on_conflict(conflict_target=[Signal.name], update={Signal.at: at}).execute()


def move(name: str, at: datetime, to: datetime) -> None:
    """Change the instant at which a signal was seen, unless it was seen again since."""
    Signal.update(at=to).where(Signal.name == name, Signal.at == at).execute()


def forget(name: str, at: datetime) -> None:
    """Forget a signal, unless it was seen again since."""
    Signal.delete().where(Signal.name == name, Signal.at == at).execute()


def seen() -> dict[str, datetime]:
    """Returns when each signal was last seen."""
    return {signal.name: signal.at for signal in Signal.select()}
