"""What time it is. Due instants and leases follow the database's clock, time limits the monotonic one."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from core.errors import DatabaseUnavailable
from models import database

_DRIFT_SECONDS = 1.0
log = structlog.get_logger()


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...


class DatabaseClock:
    """Follows the database's clock: this machine's, plus the difference measured at the last `follow`."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def monotonic(self) -> float:
        return time.monotonic()

    def keep_following(self, every_seconds: float) -> None:
        """Measure the difference now and again for as long as the process lives, on a thread of its own."""
        self.follow()
        threading.Thread(target=self._follow_for_ever, args=(every_seconds,), name="clock", daemon=True).start()

    def _follow_for_ever(self, every_seconds: float) -> None:
        rest = threading.Event()
        while not rest.wait(every_seconds):
            self.follow()

    def follow(self) -> None:
        """Measure the difference anew; one over 1 s is reported. Keeps the old one when the database is away."""
        before = datetime.now(UTC)
        try:
            server = database.server_time()
        except DatabaseUnavailable:
            return
        after = datetime.now(UTC)
        self._offset = server - (before + (after - before) / 2)
        if abs(self._offset.total_seconds()) > _DRIFT_SECONDS:
            log.warning("clock_drift", seconds=round(self._offset.total_seconds(), 3))
