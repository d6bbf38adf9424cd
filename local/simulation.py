"""Days that pass in seconds: the real services on a clock that is set from event to event.

What comes due begins within milliseconds on workers that exist only here, and ends as a given behaviour says.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from actors import execution
from core.errors import AbortReason
from core.figures import MINUTE, whole_minute
from core.signs_of_life import BEAT, TICK
from core.version import VERSION
from local import simulated_calls
from models import database, fields, held_keys, runs, signals, workers
from services.execution import claiming, held_runs, kept_calls, recording
from services.execution import workers as working
from services.execution.work import Result, Stopped, Work
from services.execution.workers import WorkerIdentity
from services.maintenance import figures
from services.messaging import broker as brokers
from services.messaging.doorbell import Ring
from services.scheduling import dispatching, overdue, overlap_queue, planning
from services.system import System
from settings import Settings

_HOSTS = ("worker-1", "worker-2")
_THREADS = 16
_LEAST = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Behaviour:
    """How long an attempt takes, and how it ends."""

    seconds: float
    result: Result


Behave = Callable[[Work, datetime, random.Random], Behaviour]


class SetClock:
    """A clock that stays at the instant to which it is set."""

    def __init__(self, now: datetime) -> None:
        self._begin = self._now = now

    def now(self) -> datetime:
        """Returns the instant."""
        return self._now

    def monotonic(self) -> float:
        """Returns seconds since shortly before the clock was first set."""
        return (self._now - self._begin).total_seconds() + 1_000

    def set(self, now: datetime) -> None:
        """Set the clock; it never goes back."""
        self._now = max(self._now, now)


class _Silent:
    """A doorbell without listeners: the simulation looks for due runs itself."""

    def ring(self, rings: Iterable[Ring]) -> None:
        """Do nothing."""

    def waiting(self) -> int:
        """Nothing waits."""
        return 0


@dataclass(order=True)
class _Ending:
    """An attempt that will end."""

    at: datetime
    number: int
    work: Work = field(compare=False)
    result: Result = field(compare=False)


class Simulation:
    """An installation whose time passes as it is asked to; nothing happens between two events."""

    def __init__(self, settings: Settings, begin: datetime, behave: Behave, seed: int = 2) -> None:
        self.clock = SetClock(begin)
        self.system = System(settings, self.clock, _Silent())
        self.lots = random.Random(seed)  # noqa: S311  a day to look at
        self._behave = behave
        self._endings: list[_Ending] = []
        self._numbers = count()
        self._workers: list[WorkerIdentity] = []

    def start_workers(self) -> None:
        """Start workers that execute runs as they come due."""
        self._workers = [self._worker(host) for host in _HOSTS]

    def pass_until(self, until: datetime) -> None:
        """Advance the clock by a span that is planned at once: at most the settings' window.

        It is stored by one commit, since a disk takes longer for thousands than the services do for all else.
        """
        with database.transaction():
            self._pass_until(until)

    def _pass_until(self, until: datetime) -> None:
        planning.plan(self.system)
        for one_pass in (overdue.age, overdue.watch_late, overlap_queue.give_all, held_runs.release_due_keys):
            one_pass(self.system)
        self._begin()
        while (at := self._next(until)) < until:
            self.clock.set(at)
            if self._end() + self._make_due() + held_runs.release_due_keys(self.system):
                self._begin()
        self.clock.set(until)

    def sum_up_minutes(self) -> None:
        """Store the figures of the minutes of the last hour that have none."""
        while figures.summarise(self.system):
            pass

    def give_signs_of_life(self) -> None:
        """Let each process show that it lives."""
        for worker in self._workers:
            working.renew(self.system, worker, {})
        with self.system.transaction() as unit:
            for part in (TICK, BEAT):
                signals.mark(part, unit.now)

    def stop_workers(self) -> None:
        """Hand back the running runs, as stopping workers do; other workers may continue with them."""
        under_way, self._endings = [one.work for one in self._endings], []
        for work in under_way:
            seconds = self.clock.monotonic() - work.claimed_monotonic
            self._record(self._with_call(work, seconds, Stopped(AbortReason.SHUTDOWN)), Stopped(AbortReason.SHUTDOWN))
        for worker in self._workers:
            working.sign_off(self.system, worker)

    def _worker(self, host: str) -> WorkerIdentity:
        one = WorkerIdentity(fields.new_id(), _THREADS)
        with self.system.transaction():
            workers.register(one.id, self.clock.now(), host=host, pid=1, threads=_THREADS, version=VERSION)
        return one

    def _next(self, until: datetime) -> datetime:
        """The next instant at which a run ends, comes due or is looked at by a limit that holds it."""
        with database.reading():
            due = [at for _, at in runs.due_by(until, 1)]
            looks = [self.clock.now() + dispatching.LOOK_AHEAD] if held_keys.due_for_recheck(until, 1) else []
        ends = [self._endings[0].at] if self._endings else []
        return max(min([*due, *ends, *looks], default=until), self.clock.now() + _LEAST)

    def _make_due(self) -> int:
        due = [run_id for run_id, at in dispatching.due_soon(self.system) if at <= self.clock.now()]
        if due:
            dispatching.make_due(self.system, due)
        return len(due)

    def _begin(self) -> None:
        """Claim waiting runs for the free threads, a few milliseconds later."""
        free = len(self._workers) * _THREADS - len(self._endings)
        if free <= 0:
            return
        self.clock.set(self.clock.now() + timedelta(milliseconds=self.lots.uniform(3, 14)))
        worker = self.lots.choice(self._workers)
        for work in claiming.claim(self.system, worker, brokers.RUNS_HTTP, min(free, _THREADS)):
            seconds, result = self._performed(work)
            at = self.clock.now() + timedelta(seconds=seconds)
            heapq.heappush(
                self._endings, _Ending(at, next(self._numbers), self._with_call(work, seconds, result), result)
            )

    def _performed(self, work: Work) -> tuple[float, Result]:
        """How long an attempt takes and how it ends: as it behaves, but at its limit of time it is stopped."""
        behaviour = self._behave(work, self.clock.now(), self.lots)
        if behaviour.seconds > work.time_limit_seconds:
            return work.time_limit_seconds, execution.stopped(work, AbortReason.TIME_LIMIT)
        return behaviour.seconds, behaviour.result

    def _with_call(self, work: Work, seconds: float, result: Result) -> Work:
        return simulated_calls.with_call(self.system, work, seconds, result)

    def _record(self, work: Work, result: Result) -> None:
        kept_calls.prepare(self.system, work, result)
        recording.record(self.system, [(work, result)])

    def _end(self) -> int:
        ended = 0
        while self._endings and self._endings[0].at <= self.clock.now():
            one = heapq.heappop(self._endings)
            self._record(one.work, one.result)
            ended += 1
        return ended


def minutes_of(begin: datetime, end: datetime) -> Sequence[datetime]:
    """Returns the whole minutes of a span, and its end, each after the begin."""
    first = whole_minute(begin) + MINUTE
    return [*(first + number * MINUTE for number in range(max(0, -((first - end) // MINUTE)))), end]
