"""The coordinator: loops over planning, dispatching and upkeep, on their own clock.

Any number of coordinators may run; rows are settled by the database, so two do no harm and one that dies is not
missed for long. A loop that finds the database or the broker away says so, rests, and goes on.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import structlog

from core.errors import BrokerUnavailable, DatabaseUnavailable, Unavailable
from models import signals
from models.pauses import Gate
from services.alerts import sending
from services.execution import limits
from services.execution.batching import in_parts
from services.maintenance import upkeep
from services.messaging import broker as brokers
from services.messaging.broker_troubles import AWAY as NO_ANSWER
from services.reading import statistics
from services.runtime.troubles import DATABASE_AWAY, Trouble, Troubles
from services.scheduling import dispatching, overdue, overlap_queue, planning, timezones
from services.system import System

BEAT = "beat"
TICK = "tick"

_TOP_UP_SECONDS = 1.0
_RESCUE_SECONDS = upkeep.RESCUE_SECONDS
_TICK_SECONDS = 1.0
_WAITING_SECONDS = 1.0
_FIGURES_SECONDS = 15.0
_ALERTS_SECONDS = 5.0
_STOP_SECONDS = 1.5
_OLDEST_TICK_SECONDS = 10.0
_PRUNE_SECONDS = 3600.0
_REST_SECONDS = 1.0
_READ_ON = "The log of the coordinator says why. It tries again by itself."
_NO_TICK = Trouble("dispatch", "No due run has been looked after for a while.", _READ_ON)
log = structlog.get_logger()


class Coordinator:
    """Runs the loops on threads of its own until it is stopped."""

    def __init__(self, system: System, carrier: brokers.Carrier) -> None:
        self._system = system
        self._carrier = carrier
        self._stopping = threading.Event()
        self._beat = threading.Event()
        self._rescues = upkeep.Rescues(system)
        self._zones_are_fresh = False
        self._troubles = Troubles()
        self._ticked_at = system.clock.monotonic()
        self._threads = [
            threading.Thread(target=self._loop, args=(name, turn), name=name, daemon=True)
            for name, turn in (
                ("plan", self._plan),
                ("dispatch", self._dispatch),
                ("top-up", self._top_up),
                ("rescue", self._rescue),
                ("waiting", self._look_after_waiting),
                ("figures", self._sum_up),
                ("alerts", self._tell),
                ("housekeeping", self._keep_house),
            )
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the pass under way, then end."""
        self._stopping.set()
        self._beat.set()
        deadline = self._system.clock.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._system.clock.monotonic()))

    def troubles(self) -> list[Trouble]:
        """What is amiss with the loops at present."""
        idle = self._system.clock.monotonic() - self._ticked_at
        return [*self._troubles.present(), *([_NO_TICK] if idle > _OLDEST_TICK_SECONDS else [])]

    def beat(self) -> None:
        """Take periodiq's beat: plan now."""
        self._beat.set()

    def _loop(self, name: str, turn: Callable[[], None]) -> None:
        """Take turn after turn; one that finds a server away is followed by a rest."""
        while not self._stopping.is_set():
            try:
                turn()
            except Unavailable as error:
                self._troubles.begin(name, _waits(error), error)
                self._stopping.wait(_REST_SECONDS)
            except Exception as error:  # a fault in one pass must not end the loop that all jobs depend on
                fault = Trouble(name, f"The loop `{name}` failed: {type(error).__name__}.", _READ_ON)
                if self._troubles.of(name) != fault:
                    log.exception("coordinator_fault", loop=name)
                self._troubles.begin(name, fault)
                self._stopping.wait(_REST_SECONDS)

    def _plan(self) -> None:
        """Plan all there is, then wait for the beat, or for as long as one can be waited for."""
        if not self._zones_are_fresh:
            timezones.refresh(self._system)
            self._zones_are_fresh = True
        while planning.plan(self._system) and not self._stopping.is_set():
            pass
        self._went_well()
        if self._beat.wait(self._system.settings.beat_patience_seconds):
            self._beat.clear()
            if not self._stopping.is_set():
                self._mark(BEAT)

    def _dispatch(self) -> None:
        """Look a little ahead, then sleep to each instant until it is time to look again."""
        clock = self._system.clock
        upcoming = [(due_at, run_id) for run_id, due_at in dispatching.due_soon(self._system)]
        look_again_at = clock.monotonic() + self._system.settings.scan_seconds
        more_waits = len(upcoming) == dispatching.BATCH
        heapq.heapify(upcoming)
        while upcoming and not self._stopping.is_set():
            wait_seconds = (upcoming[0][0] - clock.now()).total_seconds()
            if wait_seconds > 0 and clock.monotonic() + wait_seconds > look_again_at:
                more_waits = False
                break
            if wait_seconds > 0 and self._stopping.wait(wait_seconds):
                return
            in_parts(self._make_due, _take_due(upcoming, clock.now()))
        self._tick()
        if not more_waits:
            self._rest(max(0.0, look_again_at - clock.monotonic()))

    def _make_due(self, run_ids: Sequence[UUID]) -> int:
        return dispatching.make_due(self._system, run_ids)

    def _top_up(self) -> None:
        self._carrier.keep_alive()
        dispatching.top_up(self._system, self._carrier, limits.most_rings(self._system))
        self._rest(_TOP_UP_SECONDS)

    def _rescue(self) -> None:
        rescued = self._rescues.turn()
        if rescued:
            log.warning("runs_rescued", count=rescued)
        self._rest(_RESCUE_SECONDS)

    def _look_after_waiting(self) -> None:
        """See to due runs that wait: for a higher priority, for their deadline, for a worker, for their turn."""
        for look_after in (
            overdue.age,
            overdue.watch_deadlines,
            overdue.watch_late,
            overlap_queue.give_all,
            limits.give_permits,
        ):
            look_after(self._system)
        self._rest(_WAITING_SECONDS)

    def _sum_up(self) -> None:
        """Keep the figures of each minute that has passed."""
        while statistics.summarise(self._system) and not self._stopping.is_set():
            pass
        self._rest(_FIGURES_SECONDS)

    def _tell(self) -> None:
        """Tell owners what they are to be told."""
        while sending.tell(self._system) and not self._stopping.is_set():
            pass
        self._rest(_ALERTS_SECONDS)

    def _keep_house(self) -> None:
        """Prune what is old enough, batch by batch, then rest an hour."""
        while upkeep.prune(self._system) and not self._stopping.is_set():
            pass
        self._rest(_PRUNE_SECONDS)

    def _rest(self, seconds: float) -> None:
        """Wait for the next turn, after one in which all went well."""
        self._went_well()
        self._stopping.wait(seconds)

    def _went_well(self) -> None:
        self._troubles.end(threading.current_thread().name)

    def _tick(self) -> None:
        """Give the sign of life by which others see that due runs are looked after, once a second."""
        if self._system.clock.monotonic() - self._ticked_at >= _TICK_SECONDS:
            self._mark(TICK)
            self._ticked_at = self._system.clock.monotonic()

    def _mark(self, name: str) -> None:
        with self._system.transaction(Gate.UNUSED):
            signals.mark(name, self._system.clock.now())


def _waits(error: Unavailable) -> Trouble:
    if isinstance(error, DatabaseUnavailable):
        return DATABASE_AWAY
    return NO_ANSWER if isinstance(error, BrokerUnavailable) else Trouble("coordinator", str(error), _READ_ON)


def _take_due(upcoming: list[tuple[datetime, UUID]], now: datetime) -> list[UUID]:
    """Take from the heap every run whose instant has come."""
    taken = []
    while upcoming and upcoming[0][0] <= now:
        taken.append(heapq.heappop(upcoming)[1])
    return taken
