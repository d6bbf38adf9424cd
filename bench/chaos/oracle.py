"""The occurrences of a schedule, without any code of Carillon: an interval by counting, a cron by cronsim."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cronsim import CronSim


def occurrences(schedule: dict[str, Any], accepted: float) -> list[float]:
    """Returns the instants from the acceptance of a job until its schedule ends, which it does."""
    ends = _epoch(schedule["ends_at"])
    if schedule["type"] == "interval":
        begin, step = _epoch(schedule["starts_at"]), schedule["every_seconds"]
        named = [begin + step * place for place in range(int((ends - begin) / step) + 1)]
    else:
        named = _cron(schedule["expression"], accepted, ends)
    return [instant for instant in named if accepted <= instant < ends]


def _cron(expression: str, after: float, ends: float) -> list[float]:
    found: list[float] = []
    for instant in CronSim(expression, datetime.fromtimestamp(after, UTC)):
        if instant.timestamp() >= ends:
            return found
        found.append(instant.timestamp())
    return found


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
