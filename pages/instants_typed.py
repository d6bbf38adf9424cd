"""Instants as people type them into forms: on their own clocks."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core import instants
from core.errors import InvalidInput

_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}


def read(text: str, zone: ZoneInfo) -> str:
    """Returns the typed instant in UTC, as programs write it; other text unchanged, to be refused."""
    try:
        return instants.shown(instants.read(text, zone))
    except (ValueError, OverflowError):
        return text


def optional(text: str | None, zone: ZoneInfo) -> str | None:
    """Returns as `read` does what a field holds; None for an empty one."""
    return read(text, zone) if text else None


def kept(text: str, former: str | None, zone: ZoneInfo) -> str:
    """Returns as `read` does what a field holds: the former instant to its full precision, if that stands there still.

    A field shows whole seconds, and not which of two equal readings of a clock that is set back is meant.
    """
    if former is not None:
        try:
            if instants.read(shown(instants.read(former, zone), zone), zone) == instants.read(text, zone):
                return former
        except (ValueError, OverflowError):
            pass
    return read(text, zone)


def near(text: str, zone: ZoneInfo, now: datetime) -> str:
    """Returns as `read` does what is typed into a filter, where a time means today's, and a few words mean days."""
    today = now.astimezone(zone).date()
    word = text.strip().lower()
    if word in _DAYS:
        return read((today + timedelta(days=_DAYS[word])).isoformat(), zone)
    return read(f"{today}T{word:0>5}" if _TIME.fullmatch(word) else text, zone)


def expected(name: str, text: str, zone: ZoneInfo) -> datetime:
    """Returns the instant that is typed into a field. Raises `InvalidInput`."""
    try:
        return instants.read(text, zone)
    except (ValueError, OverflowError):
        raise InvalidInput.at(name, "is no date and time; write for example 2026-03-01T09:30.") from None


def shown(at: datetime, zone: ZoneInfo) -> str:
    """Returns an instant as a browser's field takes it."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")
