"""The backlog: how many due runs wait in each queue, what holds them, and how long the oldest has waited."""

from __future__ import annotations

from core.states import Hold
from models import backlog, database
from services.messaging import broker as brokers
from services.runtime import events
from services.runtime.events import Backlog
from services.system import System

EVERY_SECONDS = 15.0  # each count reads every due run
_HOLDS = (None, *Hold)


def count(system: System) -> None:
    """Count the backlog and emit it; a queue or hold without runs counts 0."""
    events.emit("backlog.counted", backlog=read(system))


def read(system: System) -> list[Backlog]:
    """Returns the backlog of each queue, by what holds its runs. Raises `DatabaseUnavailable`."""
    now = system.clock.now()
    with database.reading():
        found = {(queue, hold): (count, oldest) for queue, hold, count, oldest in backlog.due()}
    parts = dict.fromkeys(((queue, hold) for queue in brokers.RUNS for hold in _HOLDS), (0, now)) | found
    return [
        Backlog(queue, hold and hold.value, count, max(0.0, (now - oldest).total_seconds()))
        for (queue, hold), (count, oldest) in parts.items()
    ]
