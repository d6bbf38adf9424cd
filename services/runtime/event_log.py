"""The events that are logged: the level, the name and the members of each line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

log = structlog.get_logger()


@dataclass(frozen=True)
class Line:
    """How an event is logged."""

    level: str
    name: str
    members: tuple[str, ...]


LINES = {
    "attempt.recorded": Line("info", "execution_recorded", ("attempt", "status")),
    "attempt.refused": Line("warning", "result_refused", ("attempt", "fence")),
    "breaker.opened": Line("warning", "breaker_opened", ("app", "host")),
    "breaker.closed": Line("info", "breaker_closed", ("app", "host")),
    "runs.rescued": Line("warning", "runs_rescued", ("count",)),
    "trouble.begun": Line("warning", "trouble", ("part", "fault", "detail", "remedy", "error")),
    "trouble.over": Line("info", "trouble_over", ("part",)),
}


def write(name: str, members: Mapping[str, Any]) -> None:
    """Log an event, if it is one of those that are logged."""
    line = LINES.get(name)
    if line is not None:
        getattr(log, line.level)(line.name, **{member: members[member] for member in line.members})
