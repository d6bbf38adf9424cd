"""Rescue runs whose worker died, once workers could have renewed their leases."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from uuid import UUID

from core.errors import DatabaseUnavailable
from models import claims, database
from services.execution.rescue import take_back
from services.runtime.batching import look_past_locked
from services.system import System

BATCH = 1_000
RESCUE_SECONDS = 1.0


class Rescues:
    """Takes back runs whose lease has run out, but only while workers could renew theirs.

    One whole lease must have passed since the start, since the database was away or stood still, and since the clock
    jumped: before that, an expired lease says nothing of its worker.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._seen = (system.clock.now(), system.clock.monotonic())
        self._from = 0.0
        self._postpone()

    def turn(self) -> int:
        """Look once, about every second. Returns how many runs were taken back, a bounded number."""
        try:
            if not self._may_rescue():
                return 0
            return rescue(self._system)
        except DatabaseUnavailable:
            self._postpone()
            raise

    def _may_rescue(self) -> bool:
        with database.reading():
            expired = claims.expired(self._system.clock.now(), 1)
        now, monotonic = self._system.clock.now(), self._system.clock.monotonic()
        passed = monotonic - self._seen[1]
        jumped = abs((now - self._seen[0]).total_seconds() - passed)
        self._seen = (now, monotonic)
        heartbeat = self._system.settings.heartbeat_seconds
        if passed > RESCUE_SECONDS + heartbeat or jumped > heartbeat:
            self._postpone()
        return bool(expired) and monotonic >= self._from

    def _postpone(self) -> None:
        self._from = self._system.clock.monotonic() + self._system.settings.lease_seconds


def rescue(system: System) -> int:
    """Take back one batch of runs whose lease has run out; more where locked jobs fill it. Returns how many."""

    def look(without: Collection[UUID]) -> list[UUID]:
        with database.reading():
            return claims.expired(system.clock.now(), BATCH, without)

    return look_past_locked(look, partial(take_back, system, only_expired=True), BATCH)


def rescue_all(system: System) -> int:
    """Take back every run that a worker had. Only for the start of the embedded server, when no worker can be alive."""
    taken = 0
    before: list[UUID] = []
    while True:
        with database.reading():
            left = claims.held_by_workers(BATCH)
        if not left or left == before:  # those that cannot be taken back now are left to the coordinator
            return taken
        taken += take_back(system, left, only_expired=False).count
        before = left
