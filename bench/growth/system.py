"""Carillon's services on a database, within this process, without a broker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.schedules import Schedule
from migrations import large_indexes, runner
from models import database
from services.jobs.definition import NewJob
from services.messaging.doorbell import Doorbell
from services.runtime.clock import DatabaseClock
from services.system import System
from settings import Settings

APP, TASK_TYPE = "growth", "greet"


class Silent(Doorbell):
    """Rings for nobody: what a ring costs does not grow."""

    def __init__(self) -> None:
        """Connect to nothing."""

    def ring(self, rings: Iterable[object]) -> None:
        """Forget them."""

    def waiting(self) -> int:
        """Returns 0, as nothing waits."""
        return 0


def connected(url: str, **settings: Any) -> System:
    """Point this process at a database with the newest schema and every index. Returns the services' system."""
    database.connect(url, "growth")
    runner.upgrade()
    large_indexes.build()
    given = {"callback_base_url": "http://127.0.0.1:9", "account_rate": None, **settings}
    return System(Settings(**given), DatabaseClock(), Silent())


def job(schedule: Schedule) -> NewJob:
    """Returns a job to create."""
    return NewJob(app_name=APP, account_id="a", user_id="u", task_type=TASK_TYPE, schedule=schedule)
