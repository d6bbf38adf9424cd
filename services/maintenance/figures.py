"""The coordinator's passes over figures: store those of past minutes, delete old ones, count what is due and comes."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from core.figures import MINUTE, minutes_between, whole_minute
from models import database, statistics
from models.pauses import Gate
from services.reading import backlog
from services.reading.statistics.minute_statistics import of_minute
from services.reading.upcoming.thread_demand import ComingThreads
from services.runtime import events
from services.system import System

MAX_SUMMARISED = 60  # each of them reads all that has ended since
PASS_SECONDS = 1.0
# A run that ended just before the end of a minute may be committed just after it.
GRACE = timedelta(seconds=5)
BATCH = 1_000
BACKLOG_SECONDS = 15.0  # each count reads every due run
COMING_SECONDS = 15.0


def summarise(system: System) -> int:
    """Store the figures of the minutes that have passed since the last one stored, at most an hour. Returns how many.

    A pass ends after a second: call again until nothing is left. Two processes that do this at once are harmless.
    """
    until = system.clock.monotonic() + PASS_SECONDS
    stored = 0
    for minute in _due(system.clock.now()):
        with database.reading():
            found = asdict(of_minute(minute))
        with system.transaction(Gate.UNUSED):
            statistics.add_minute(found, found.pop("held"))
        stored += 1
        if system.clock.monotonic() >= until:
            break
    return stored


def prune(system: System) -> int:
    """Delete one batch of figures older than history is kept. Returns how many."""
    with system.transaction(Gate.UNUSED):
        return statistics.prune_minutes(system.clock.now() - timedelta(days=system.settings.keep_history_days), BATCH)


def count_backlog(system: System) -> None:
    """Count the backlog and emit it; a queue or hold without runs counts 0."""
    events.emit("backlog.counted", backlog=backlog.read(system))


def count_coming_threads(coming: ComingThreads) -> None:
    """Count the threads that runs need now and in the coming minutes, and emit them; a queue without runs needs 0."""
    events.emit("coming_threads.counted", by_queue=coming.by_queue())


def _due(now: datetime) -> list[datetime]:
    """The minutes that have passed and are not summed up yet, oldest first; the first is the first run's."""
    end = whole_minute(now - GRACE)
    with database.reading():
        newest = statistics.newest_minute()
        first = statistics.first_run_made_at() if newest is None else newest + MINUTE
    return [] if first is None else minutes_between(max(whole_minute(first), end - MAX_SUMMARISED * MINUTE), end)
