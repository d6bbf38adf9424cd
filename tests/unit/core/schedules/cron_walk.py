"""From one occurrence of a cron expression to the next."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from core.schedules import cron


def parsed_next(expression: str, after: datetime, zone: ZoneInfo) -> datetime | None:
    return cron.parse(expression).next_after(after, zone)


def follow(expression: str, after: datetime, zone: ZoneInfo, count: int) -> list[datetime]:
    found: list[datetime] = []
    at = parsed_next(expression, after, zone)
    while at is not None and len(found) < count:
        found.append(at)
        at = parsed_next(expression, at, zone)
    return found


def walk(expression: str, after: str, zone: str, count: int) -> list[str]:
    """The next occurrences as local times, `after` being local too (its first pass, where it comes twice)."""
    place = ZoneInfo(zone)
    at = datetime.fromisoformat(after)
    return [
        instant.astimezone(place).strftime("%m-%d %H:%M %z")
        for instant in follow(expression, at.replace(tzinfo=at.tzinfo or place), place, count)
    ]


def next_in_utc(expression: str, after: str) -> str | None:
    found = parsed_next(expression, datetime.fromisoformat(after).replace(tzinfo=UTC), ZoneInfo("UTC"))
    return None if found is None else found.strftime("%Y-%m-%d %H:%M")
