"""The dispatch loop: looks a little ahead, sleeps to each instant, and makes due what has come."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from core.signs_of_life import OLDEST_TICK_SECONDS, TICK
from models import signals
from models.pauses import Gate
from services.jobs import pause_endings
from services.maintenance.locked_jobs import LockedJobs
from services.maintenance.loops import READ_ON
from services.runtime.batching import in_parts
from services.runtime.troubles import Trouble
from services.scheduling import dispatching
from services.system import System

_TICK_SECONDS = 1.0
_NO_TICK = Trouble("dispatch", "No due run has been dispatched for a while.", READ_ON)

_Upcoming = list[tuple[datetime, UUID]]


class DispatchLoop:
    """Makes runs due at their instants, and gives a sign of life once a second while it does."""

    def __init__(self, system: System, stopping: threading.Event) -> None:
        self._system = system
        self._clock = system.clock
        self._stopping = stopping
        self._ticked_at = system.clock.monotonic()
        self._locked_jobs = LockedJobs(system.clock)

    def turn(self) -> float:
        """Make due what comes until it is time to look again; returns the seconds that are left until then."""
        found = dispatching.due_soon(self._system, self._locked_jobs.left_out)
        upcoming: _Upcoming = [(due_at, run_id) for run_id, due_at in found]
        look_again_at = self._clock.monotonic() + self._system.settings.scan_seconds
        is_full = len(upcoming) == dispatching.BATCH
        heapq.heapify(upcoming)
        while upcoming and not self._stopping.is_set():
            if not self._sleep_until(upcoming[0][0], look_again_at):
                is_full = False
                break
            in_parts(self._make_due, _take_due(upcoming, self._clock.now()))
        self._tick()
        self._locked_jobs.end_look(is_full=is_full)
        return 0.0 if is_full else max(0.0, look_again_at - self._clock.monotonic())

    def troubles(self) -> list[Trouble]:
        """Returns the trouble that due runs wait: the last sign of life is too old, or their jobs are locked."""
        is_too_old = self._clock.monotonic() - self._ticked_at > OLDEST_TICK_SECONDS
        return [_NO_TICK] if is_too_old else self._locked_jobs.troubles()

    def _sleep_until(self, instant: datetime, look_again_at: float) -> bool:
        """Sleep until an instant. Returns False if it is time to look again, or to stop, before that."""
        wait_seconds = (instant - self._clock.now()).total_seconds()
        if wait_seconds <= 0:
            return True
        return self._clock.monotonic() + wait_seconds <= look_again_at and not self._stopping.wait(wait_seconds)

    def _make_due(self, run_ids: Sequence[UUID]) -> int:
        ready, locked = pause_endings.end_for_runs(self._system, run_ids)  # what is due as a pause ends is not skipped
        made = dispatching.make_free_due(self._system, ready)
        self._locked_jobs.pass_over([*locked, *made.passed_over])
        return made.count

    def _tick(self) -> None:
        if self._clock.monotonic() - self._ticked_at >= _TICK_SECONDS:
            with self._system.transaction(Gate.UNUSED, asynchronous_commit=True) as unit:
                signals.mark(TICK, unit.now)
            self._ticked_at = self._clock.monotonic()


def _take_due(upcoming: _Upcoming, now: datetime) -> list[UUID]:
    """Take from the heap every run whose instant has come."""
    taken = []
    while upcoming and upcoming[0][0] <= now:
        taken.append(heapq.heappop(upcoming)[1])
    return taken
