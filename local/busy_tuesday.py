"""Two hours of a company's Tuesday, lived through by the real services on a clock that is set from event to event.

So the pages have something to show at once, and much the same each time: apps, accounts, an outage, failures with
causes, a polling job at 60 %, an account at its rate.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from core.principals import Principal, PrincipalKind
from core.signs_of_life import BEAT, TICK
from core.version import VERSION
from local.plausible_tuesday import BURST, JOBS, RECEIVERS, Behaviour, behaviour_of, jobs_of_minute
from models import fields, signals, workers
from services.execution import claiming, giving, recording
from services.execution import workers as working
from services.execution.work import Result, Work
from services.execution.workers import WorkerIdentity
from services.jobs import apps, lifecycle
from services.messaging import broker as brokers
from services.messaging.doorbell import Ring
from services.reading import statistics
from services.scheduling import dispatching, overdue, overlap_queue, planning
from services.system import System
from settings import Settings

BEGIN = datetime(2026, 12, 1, 11, 30, tzinfo=UTC)
# The account that asks for too much has its next calls in a second.
END = BEGIN + timedelta(hours=2, minutes=3, seconds=21)
MARA = Principal(PrincipalKind.LOCAL, name="mara")
_HOSTS = ("worker-1", "worker-2")
_THREADS = 16
_MINUTE = timedelta(minutes=1)


class SetClock:
    """A clock that stands where it is set."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """Returns the instant."""
        return self._now

    def monotonic(self) -> float:
        """Returns seconds since the day began."""
        return (self._now - BEGIN).total_seconds() + 1_000

    def set(self, now: datetime) -> None:
        """Set the clock; it never goes back."""
        self._now = max(self._now, now)


class Silent:
    """A doorbell that nobody hears: the day asks by itself what is due."""

    def ring(self, rings: Iterable[Ring]) -> None:
        """Ring for nobody."""

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


class Day:
    """Lives through the day, once; afterwards the clock of its system stands at the end."""

    def __init__(self, settings: Settings) -> None:
        self.clock = SetClock(BEGIN)
        self.system = System(settings, self.clock, Silent())
        self._lots = random.Random(2)  # noqa: S311  a day to look at
        self._endings: list[_Ending] = []
        self._numbers = count()
        self._workers: list[WorkerIdentity] = []

    def live(self) -> None:
        """Make apps and jobs, and let everything happen that happens until the end."""
        for name, address in RECEIVERS.items():
            apps.create(MARA, self.system, name, apps.AppDefinition(address))
        self._workers = [self._worker(host) for host in _HOSTS]
        for job in JOBS:
            lifecycle.create(MARA, self.system, job)
        for minute in _minutes():
            self._live_through(minute)
        self.clock.set(END)
        self._give_signs_of_life()

    def _worker(self, host: str) -> WorkerIdentity:
        one = WorkerIdentity(fields.new_id(), _THREADS)
        with self.system.transaction():
            workers.register(one.id, self.clock.now(), host=host, pid=1, threads=_THREADS, version=VERSION)
        return one

    def _live_through(self, minute: datetime) -> None:
        """Advance the clock by a minute: what comes due begins, what has taken its time ends."""
        self.clock.set(minute)
        until = min(minute + _MINUTE, END)
        planning.plan(self.system)
        for job in jobs_of_minute(minute, self._lots):
            lifecycle.create(MARA, self.system, job)
        for one_pass in (overdue.age, overdue.watch_late, overlap_queue.give_all, giving.give):
            one_pass(self.system)
        while statistics.summarise(self.system):
            pass
        self._begin()
        while (at := self._next()) < until:
            self.clock.set(at)
            if self._end() + self._make_due() + self._give_permits(minute):
                self._begin()

    def _next(self) -> datetime:
        """The next instant at which a run ends or comes due."""
        due = [at for _, at in dispatching.due_soon(self.system)]
        ends = [self._endings[0].at] if self._endings else []
        soon = self.clock.now() + dispatching.LOOK_AHEAD
        return max(min([*due, *ends, soon]), self.clock.now() + timedelta(milliseconds=1))

    def _make_due(self) -> int:
        due = [run_id for run_id, at in dispatching.due_soon(self.system) if at <= self.clock.now()]
        if due:
            dispatching.make_due(self.system, due)
        return len(due)

    def _give_permits(self, minute: datetime) -> int:
        """Give permits as often as the coordinator does, while an account has more to do than its rate allows."""
        if minute < BURST:
            return 0
        giving.give(self.system)
        return 1

    def _begin(self) -> None:
        """Claim what waits, on the threads that are free, a few milliseconds later."""
        free = len(self._workers) * _THREADS - len(self._endings)
        if free <= 0:
            return
        self.clock.set(self.clock.now() + timedelta(milliseconds=self._lots.uniform(3, 14)))
        worker = self._lots.choice(self._workers)
        for work in claiming.claim(self.system, worker, brokers.RUNS_HTTP, min(free, _THREADS)):
            behaviour: Behaviour = behaviour_of(work, self.clock.now(), self._lots)
            at = self.clock.now() + timedelta(seconds=behaviour.seconds)
            heapq.heappush(self._endings, _Ending(at, next(self._numbers), work, behaviour.result))

    def _end(self) -> int:
        ended = 0
        while self._endings and self._endings[0].at <= self.clock.now():
            one = heapq.heappop(self._endings)
            recording.record(self.system, [(one.work, one.result)])
            ended += 1
        return ended

    def _give_signs_of_life(self) -> None:
        for worker in self._workers:
            working.renew(self.system, worker, {})
        with self.system.transaction() as work:
            for part in (TICK, BEAT):
                signals.mark(part, work.now)


def _minutes() -> Iterator[datetime]:
    minute = BEGIN
    while minute < END:
        yield minute
        minute += _MINUTE
