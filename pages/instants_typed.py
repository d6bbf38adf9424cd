"""Instants as people type them into forms: on their own clocks."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from core import instants
from core.errors import InvalidInput


def read(text: str, zone: ZoneInfo) -> str:
    """Returns the typed instant in UTC, as programs write it; other text unchanged, to be refused."""
    try:
        return instants.shown(instants.read(text, zone))
    except (ValueError, OverflowError):
        return text


def expected(name: str, text: str, zone: ZoneInfo) -> datetime:
    """Returns the instant that is typed into a field. Raises `InvalidInput`."""
    try:
        return instants.read(text, zone)
    except (ValueError, OverflowError) as error:
        raise InvalidInput.at(name, f"is no instant: {error}; write for example 2026-03-01T09:30.") from None


def shown(at: datetime, zone: ZoneInfo) -> str:
    """Returns an instant as a browser's field takes it."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")
