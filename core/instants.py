"""Wall-clock times and instants."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def shown(instant: datetime) -> str:
    """An instant as RFC 3339 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def to_utc(naive: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall-clock time: a time in the spring gap moves past it, a repeated one means the first."""
    return naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
