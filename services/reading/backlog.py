"""The backlog: how many due runs wait in each queue, what holds them, and how long the oldest has waited."""

from __future__ import annotations

from core.states import Hold
from models import backlog, database
from services.messaging import broker as brokers
from services.runtime.events import Backlog
from services.system import System

_HOLDS = (None, *Hold)


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
