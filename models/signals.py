"""Queries on signals: when a beat or a tick was last seen."""

from __future__ import annotations

from datetime import datetime

from models.tables import Signal


def mark(name: str, now: datetime) -> None:
    """Record that a signal was seen."""
    Signal.insert(name=name, at=now).on_conflict(conflict_target=[Signal.name], update={Signal.at: now}).execute()


def seen() -> dict[str, datetime]:
    """Returns when each signal was last seen."""
    return {signal.name: signal.at for signal in Signal.select()}
