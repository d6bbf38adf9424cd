"""Things that tests need: a clock that is set, a doorbell that remembers, jobs to ask for."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from core import schedules
from services.doorbell import Ring
from services.jobs import NewJob
from services.system import System
from settings import Settings

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CALLBACK_BASE_URL = "http://127.0.0.1:9"


class GivenClock:
    """A clock that stands where it is set."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._monotonic = 1_000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> datetime:
        """Let time pass, on both clocks."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds
        return self._now

    def set(self, now: datetime) -> None:
        """Set the wall clock, and leave the monotonic one alone."""
        self._now = now


class RecordingDoorbell:
    """A doorbell that keeps what it is asked to ring."""

    def __init__(self) -> None:
        self.rings: list[Ring] = []
        self._lock = threading.Lock()

    def ring(self, rings: Iterable[Ring]) -> None:
        with self._lock:
            self.rings.extend(rings)

    def heard(self) -> list[Ring]:
        """What was rung since the last time this was asked."""
        with self._lock:
            heard, self.rings = self.rings, []
            return heard


class GivenSystem(System):
    """A system whose clock and doorbell a test holds in its hands."""

    clock: GivenClock
    doorbell: RecordingDoorbell


def given_system(**overrides: Any) -> GivenSystem:
    """A system with a clock set to noon; settings as given over the defaults."""
    settings = Settings(**{"callback_base_url": CALLBACK_BASE_URL, **overrides})
    return GivenSystem(settings, GivenClock(), RecordingDoorbell())


def new_job(schedule: schedules.Schedule | None = None, **overrides: Any) -> NewJob:
    """A job to ask for: at once, unless a schedule is given."""
    values: dict[str, Any] = {
        "app_name": "app_a",
        "account_id": "acc1",
        "user_id": "user1",
        "task_type": "greet",
        "schedule": schedule or schedules.Immediate(),
        "data": {"some_key": "some_value"},
    }
    return NewJob(**{**values, **overrides})
