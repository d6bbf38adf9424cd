"""The coordinator: the table of loops over planning, dispatching, rescues and pruning, each on its own clock.

Any number of coordinators may run: the database settles who does what, so two do no harm, and the others take over
when one dies.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from migrations import large_indexes
from services.access import password_resets
from services.alerts import sending
from services.changes import pruning as changes
from services.execution import held_runs, limits
from services.jobs import pause_endings
from services.maintenance import clock_repairs, figures, rescues
from services.maintenance.dispatch_loop import DispatchLoop
from services.maintenance.heard_beats import HeardBeats
from services.maintenance.loops import Loop, Loops
from services.maintenance.prune_loop import PruneLoop
from services.messaging import broker as brokers
from services.reading.upcoming.thread_demand import ComingThreads
from services.restoring import releasing
from services.runtime import events
from services.runtime.troubles import Trouble
from services.scheduling import dispatching, overdue, overlap_queue, pauses, planning, timezones
from services.system import System

__all__ = ["Coordinator"]


_EACH_SECOND = 1.0
_FIGURES_SECONDS = 15.0
_EMAILS_SECONDS = 5.0
_RESTORES_SECONDS = 10.0
_CHANGES_SECONDS = 60.0

Pass = Callable[[System], object]  # returns something true where more is left to do


class Coordinator:
    """Runs the loops on threads of its own until it is stopped."""

    def __init__(self, system: System, carrier: brokers.Carrier) -> None:
        self._system = system
        self._carrier = carrier
        self._stopping = threading.Event()
        self._heard = HeardBeats(system)
        self._rescues = rescues.Rescues(system)
        self._clock_repairs = clock_repairs.ClockRepairs(system)
        self._prune_loop = PruneLoop(system)
        self._coming_threads = ComingThreads(system.clock, system.settings.max_concurrent_runs)
        self._left_by_refresh: Collection[UUID] | None = None
        self._dispatch = DispatchLoop(system, self._stopping)
        self._plan_loop = Loop("plan", self._plan)
        self._loops = Loops(self._table(), system.clock, self._stopping)

    def _table(self) -> list[Loop]:
        """Returns every loop. To add one, add its row."""
        return [
            self._plan_loop,
            Loop("dispatch", self._dispatch.turn),
            Loop("pauses", self._end_pauses),
            Loop("top-up", self._top_up),
            Loop("rescue", self._rescue),
            Loop("ageing", self._once(overdue.age, _EACH_SECOND)),
            Loop("deadlines", self._once(overdue.watch_deadlines, _EACH_SECOND)),
            Loop("late", self._once(overdue.watch_late, _EACH_SECOND)),
            Loop("overlap-queue", self._once(overlap_queue.give_all, _EACH_SECOND)),
            Loop("release-held-runs", self._once(held_runs.release_due_keys, _EACH_SECOND)),
            Loop("count-for-new-limits", self._once(held_runs.count_calls_of_new_limits, _EACH_SECOND)),
            Loop("repair-limits", self._once(held_runs.repair, held_runs.REPAIR_SECONDS)),
            Loop("repair-clock", self._until_done(lambda _: self._clock_repairs.turn(), clock_repairs.REPAIR_SECONDS)),
            Loop("recheck-accounts", self._once(held_runs.recheck_accounts, held_runs.RECHECK_SECONDS)),
            Loop("restores", self._until_done(releasing.release_left_behind, _RESTORES_SECONDS)),
            Loop("pauses-left", self._once(pauses.settle_left_behind, _EACH_SECOND)),
            Loop("figures", self._until_done(figures.summarise, _FIGURES_SECONDS)),
            Loop("backlog", self._once(figures.count_backlog, figures.BACKLOG_SECONDS)),
            Loop("coming-threads", self._count_coming_threads),
            Loop("resets", self._until_done(password_resets.send, _EMAILS_SECONDS)),
            Loop("alerts", self._until_done(sending.send_oldest, _EMAILS_SECONDS)),
            Loop("prune", self._prune_loop.turn),
            Loop("prune-changes", self._until_done(changes.prune, _CHANGES_SECONDS)),
            Loop("large-indexes", self._once(lambda _: large_indexes.build(), large_indexes.BUILD_SECONDS)),
        ]

    def start(self) -> None:
        """Start the loops."""
        self._loops.start()

    def stop(self) -> None:
        """Finish the turns under way, then end."""
        self._loops.stop()

    def troubles(self) -> list[Trouble]:
        """Returns the present troubles of the loops."""
        return [*self._loops.troubles(), *self._dispatch.troubles(), *self._prune_loop.troubles()]

    def beat(self) -> None:
        """Take periodiq's beat: plan now."""
        events.emit("beat.heard")
        self._heard.hear()
        self._plan_loop.wake.set()

    def hear_sender(self, identity: Any) -> None:
        """Take the identity of the process that sent a beat, just before the beat itself."""
        self._heard.hear_sender(identity)

    def _plan(self) -> float:
        """Plan all coming occurrences; then rest until the beat, at most for `beat_patience_seconds`."""
        self._heard.store()
        self._refresh_zones()
        self._exhaust(_plan_some)
        return self._system.settings.beat_patience_seconds

    def _refresh_zones(self) -> None:
        """Heed new time-zone data, once; jobs that others have locked keep nobody from planning and come later."""
        if self._left_by_refresh is None or self._left_by_refresh:
            self._left_by_refresh = timezones.refresh(self._system, self._left_by_refresh).passed_over.keys()

    def _end_pauses(self) -> float:
        """Resume what was paused up to now; rest until the next pause ends, at most a second: more may be asked for."""
        return min(pause_endings.end_all(self._system), _EACH_SECOND)

    def _top_up(self) -> float:
        self._carrier.keep_alive()
        dispatching.top_up(self._system, self._carrier, limits.most_rings)
        return _EACH_SECOND

    def _rescue(self) -> float:
        rescued = self._rescues.turn()
        if rescued:
            events.emit("runs.rescued", count=rescued)
        return rescues.RESCUE_SECONDS

    def _count_coming_threads(self) -> float:
        figures.count_coming_threads(self._coming_threads)
        return figures.COMING_SECONDS

    def _once(self, one_pass: Pass, rest_seconds: float) -> Callable[[], float]:
        """Returns a turn of one pass, which is bounded, and a rest."""

        def turn() -> float:
            one_pass(self._system)
            return rest_seconds

        return turn

    def _until_done(self, one_pass: Pass, rest_seconds: float) -> Callable[[], float]:
        """Returns a turn that repeats a pass until nothing is left to do, and a rest."""

        def turn() -> float:
            self._exhaust(one_pass)
            return rest_seconds

        return turn

    def _exhaust(self, one_pass: Pass) -> None:
        while one_pass(self._system) and not self._stopping.is_set():
            pass


def _plan_some(system: System) -> int:
    """Plan one batch, after pauses that have ended: late occurrences of paused jobs are not noted as late."""
    pause_endings.end_some(system)
    return planning.plan(system)
