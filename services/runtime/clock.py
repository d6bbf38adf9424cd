"""The clock. Due instants and leases follow the database's clock, time limits the monotonic one."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from core.errors import DatabaseUnavailable
from models import database

_DRIFT_SECONDS = 1.0
_PAIRS = 5
log = structlog.get_logger()


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Returns the present instant, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Returns seconds on a clock that never goes back."""
        ...


class DatabaseClock:
    """The database's clock: its time at the last `follow`, plus what the monotonic clock has counted since.

    A step of this machine's own clock changes nothing. With SQLite the database's clock is this machine's.
    """

    def __init__(self) -> None:
        self._known = _both_clocks()

    def now(self) -> datetime:
        return self._at(time.monotonic())

    def monotonic(self) -> float:
        return time.monotonic()

    def keep_following(self, every_seconds: float) -> None:
        """Ask the database at intervals for as long as the process lives, on a thread of its own."""
        self.follow()
        threading.Thread(target=self._follow_for_ever, args=(every_seconds,), name="clock", daemon=True).start()

    def follow(self) -> None:
        """Ask the database for its time; log a step of over 1 s. If the database is away, nothing changes.

        Adjusts no further than the answer demands, so that processes on one machine keep one time.
        """
        try:
            offset, doubt = database.clock_offset()
        except DatabaseUnavailable:
            return
        wall, monotonic = _both_clocks()
        believed = self._at(monotonic) - wall
        known = max(offset - doubt, min(believed, offset + doubt))
        self._known = (wall + known, monotonic)
        step = (known - believed).total_seconds()
        if abs(step) > _DRIFT_SECONDS:
            log.warning("clock_stepped", seconds=round(step, 3))

    def _at(self, monotonic: float) -> datetime:
        known_at, known_monotonic = self._known
        return known_at + timedelta(seconds=monotonic - known_monotonic)

    def _follow_for_ever(self, every_seconds: float) -> None:
        rest = threading.Event()
        while not rest.wait(every_seconds):
            try:
                self.follow()
            except Exception:  # the clock goes on without this answer
                log.exception("clock_fault")


def _both_clocks() -> tuple[datetime, float]:
    """Returns this machine's wall clock and its monotonic one, read at the same moment.

    Another thread may run between two readings, for milliseconds: the closest of a few pairs is taken.
    """
    return min((_pair() for _ in range(_PAIRS)), key=lambda pair: pair[0])[1:]


def _pair() -> tuple[float, datetime, float]:
    before = time.monotonic()
    wall = datetime.now(UTC)
    after = time.monotonic()
    return after - before, wall, (before + after) / 2
