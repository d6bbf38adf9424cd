"""Patterns of jobs whose lateness is measured: each restarts Carillon, and waits until all its jobs are done."""

from __future__ import annotations

import functools
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import cloning, receiver
from bench.carillon import CALLBACK, NOOP, Carillon, at, installed, job
from bench.carillon_drain import COMPLETED
from bench.checkout import Checkout
from bench.figures import Sample, distribution
from bench.receiver import RunningReceiver
from bench.servers import Place, Servers
from processes.programs import ProgramError

_LATENESS = """
    SELECT 1000 * extract(epoch FROM started_at - due_at)::float8 FROM runs WHERE status = 'completed' AND """
_LEFT = "SELECT count(*) FROM runs WHERE status = 'queued'"
_WORKERS = "SELECT count(*) FROM workers WHERE stopped_at IS NULL"
_PROCESSES = 2
_WARMING, _USUAL, _URGENT = 1, 5, 9
_OF_USUAL, _OF_URGENT = f"priority = {_USUAL}", f"priority = {_URGENT}"
_SMALL = "small"
_OF_SMALL = f"account_id = '{_SMALL}'"
_JOBS_PER_SECOND_CREATED = 100  # as a slow machine takes them
_LOOK_AGAIN_SECONDS = 0.25
_MIN_LEAD_SECONDS = 5.0
Count = Callable[[str], int]


class Timed(ABC):
    """A pattern of due jobs."""

    title: str
    threads = 8
    callback_seconds = 0.0

    @property
    def label(self) -> str:
        """What a contestant's name says of this pattern, after its workers."""
        return ""

    def by(self, checkout: Checkout, servers: Servers, folder: Path) -> Run:
        """Returns the contestant that runs this pattern on a tree."""
        return Run(self, checkout, servers, folder)

    def prepare(self, place: Place, carillon: Carillon) -> None:  # noqa: B027  few patterns need it
        """Create what must exist before the workers start."""

    @abstractmethod
    def measure(self, place: Place, carillon: Carillon, receiving: RunningReceiver) -> Sample:
        """Create the jobs, wait, and return the figures."""


@dataclass(frozen=True)
class Run:
    """A pattern on a tree, with its four kinds of processes."""

    pattern: Timed
    checkout: Checkout
    servers: Servers
    folder: Path

    @property
    def name(self) -> str:
        """The tree, and its workers."""
        return f"{self.checkout.name}, 2 x {self.pattern.threads}{self.pattern.label}"

    def sample(self, _seconds: float) -> Sample:
        """Start everything on an empty database, and let the pattern measure."""
        answering = receiver.running(self.folder, self.pattern.callback_seconds)
        with answering as receiving, self.servers.place() as place:
            settings = {"worker_threads": self.pattern.threads, "callback_base_url": receiving.url}
            with installed(self.checkout, self.folder, place, settings) as carillon:
                carillon.start("web")
                self.pattern.prepare(place, carillon)
                carillon.start("coordinator")
                carillon.start("periodic")
                carillon.start("worker", _PROCESSES)
                carillon.wait_until_ready()
                _warm_up(place, carillon)
                return self.pattern.measure(place, carillon, receiving)


@dataclass(frozen=True)
class Spread(Timed):
    """Jobs that come due evenly, a hundred a second."""

    jobs: int
    title = "Lateness of callbacks, 100 due a second"

    def measure(self, place: Place, carillon: Carillon, receiving: RunningReceiver) -> Sample:
        """Create all before the first is due."""
        first = _after_creating(self.jobs)
        _create(carillon, (at(first + timedelta(milliseconds=10 * number)) for number in range(self.jobs)))
        _wait(place, carillon, self.jobs, first)
        return {**_claimed(place), **distribution(receiving.lateness(), "arrived_")}


@dataclass(frozen=True)
class Burst(Timed):
    """Jobs that are all due at one instant."""

    jobs: int
    threads = 32
    title = "Callbacks due at one instant: until the last has begun"

    def measure(self, place: Place, carillon: Carillon, receiving: RunningReceiver) -> Sample:
        """Create all before they are due."""
        instant = _after_creating(self.jobs)
        _create(carillon, (at(instant) for _ in range(self.jobs)))
        _wait(place, carillon, self.jobs, instant)
        return {**_claimed(place), **distribution(receiving.lateness(), "arrived_")}


@dataclass(frozen=True)
class Crons(Timed):
    """Cron jobs that are all due at the same minute."""

    jobs: int
    threads = 32
    title = "No-op crons due at one minute: until the last has begun"

    def measure(self, place: Place, carillon: Carillon, receiving: RunningReceiver) -> Sample:  # noqa: ARG002
        """Create all before the minute comes."""
        minute = (_after_creating(self.jobs) + timedelta(seconds=90)).replace(second=0, microsecond=0)
        schedule = {"type": "cron", "expression": f"{minute.minute} {minute.hour} * * *"}
        _create(carillon, (schedule for _ in range(self.jobs)), NOOP)
        _wait(place, carillon, self.jobs, minute)
        return _claimed(place)


@dataclass(frozen=True)
class Urgent(Timed):
    """Urgent jobs that come due while less urgent ones drain."""

    backlog: int
    jobs = 400
    title = "Lateness of urgent callbacks, 40 due a second, while a backlog drains"

    def prepare(self, place: Place, carillon: Carillon) -> None:
        """Create the first urgent jobs, due soon, and queue the backlog."""
        cloning.fill(place, carillon, job(CALLBACK), self.backlog)
        place.query("VACUUM ANALYZE")

    def measure(self, place: Place, carillon: Carillon, receiving: RunningReceiver) -> Sample:  # noqa: ARG002
        """Create urgent jobs while the backlog drains; `left` is what then is left of it (0: too few)."""
        first = _after_creating(self.jobs)
        dues = (at(first + timedelta(milliseconds=25 * number)) for number in range(self.jobs))
        _create(carillon, dues, priority=_URGENT)
        _wait(place, carillon, self.jobs, first, _OF_URGENT)
        return {**_claimed(place, _OF_URGENT), "left": float(place.count(_LEFT))}


@dataclass(frozen=True)
class Flooded(Timed):
    """Jobs of a small account that come due while so many callbacks of another account wait for the same threads."""

    flood: int
    jobs: int
    callback_seconds = 0.2
    title = "Lateness of a small account's callbacks of 200 ms, 4 due a second"

    @property
    def label(self) -> str:
        """How many of the other account wait."""
        return f", {self.flood:,} of another"

    def prepare(self, place: Place, carillon: Carillon) -> None:
        """Queue the flood."""
        if self.flood:
            cloning.fill(place, carillon, job(CALLBACK, account_id="large"), self.flood)
            place.query("VACUUM ANALYZE")

    def measure(self, place: Place, carillon: Carillon, receiving: RunningReceiver) -> Sample:  # noqa: ARG002
        """Create the small account's jobs while the flood drains; `left` is what then is left of it (0: too few)."""
        first = _after_creating(self.jobs)
        dues = (at(first + timedelta(milliseconds=250 * number)) for number in range(self.jobs))
        _create(carillon, dues, account_id=_SMALL)
        _wait(place, carillon, self.jobs, first, _OF_SMALL)
        return {**_claimed(place, _OF_SMALL), "left": float(place.count(_LEFT))}


@dataclass(frozen=True)
class Posts(Timed):
    """Jobs that are due at once, one after the other, on an otherwise idle installation."""

    jobs: int
    title = "From POST to the callback's arrival, idle"

    def measure(self, place: Place, carillon: Carillon, receiving: RunningReceiver) -> Sample:
        """Post one job, wait for its callback, then post the next."""
        posted = []
        with place.counting() as count:
            for number in range(self.jobs):
                posted.append(time.time())
                carillon.post("/api/jobs/create", job(CALLBACK))
                carillon.wait_until(functools.partial(_is_done, count, number + 1), "the callback")
                time.sleep(0.05)
        pairs = zip(posted, receiving.arrivals(), strict=True)
        return distribution([1000 * (arrived - began) for began, arrived in pairs])


def _warm_up(place: Place, carillon: Carillon) -> None:
    """Return when both workers are registered, and a run has completed."""
    carillon.wait_until(lambda: place.count(_WORKERS) == _PROCESSES, "the workers")
    carillon.create(1, job(priority=_WARMING))
    carillon.wait_until(lambda: _is_done(place.count, 1, f"priority = {_WARMING}"), "the first run")


def _is_done(count: Count, jobs: int, which: str = _OF_USUAL) -> bool:
    return count(f"{COMPLETED} AND {which}") >= jobs


def _after_creating(jobs: int) -> datetime:
    seconds = max(_MIN_LEAD_SECONDS, jobs / _JOBS_PER_SECOND_CREATED)
    return datetime.now(UTC) + timedelta(seconds=seconds)


def _create(carillon: Carillon, schedules: Iterator[Mapping[str, Any]], task_type: str = CALLBACK, **more: Any) -> None:
    carillon.create_all([job(task_type, schedule, **more) for schedule in schedules])


def _wait(place: Place, carillon: Carillon, jobs: int, first: datetime, which: str = _OF_USUAL) -> None:
    """Sleep until the first is due, so that no query disturbs the start, then wait until all are done."""
    left = (first - datetime.now(UTC)).total_seconds()
    if left < 0:
        raise ProgramError(f"Creating the jobs took {-left:.1f} s longer than there was time.")
    time.sleep(left)
    with place.counting() as count:  # a connection for each look would disturb what is measured
        carillon.wait_until(lambda: _is_done(count, jobs, which), "the last run", _LOOK_AGAIN_SECONDS)


def _claimed(place: Place, which: str = _OF_USUAL) -> dict[str, float]:
    return distribution([milliseconds for (milliseconds,) in place.query(f"{_LATENESS}{which}")])
