"""Samples what each process holds, and how late runs began in each minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bench import processor_time
from bench.servers import Place
from processes import programs
from processes.programs import ProgramError

START, MIDDLE, END = (0.0, 0.1), (0.5, 0.6), (0.9, 1.0)  # in shares of the whole time
_EVERY_SECONDS = 10.0
_MINUTE = 60.0
_ADDITIONS = 100_000
_CONNECTIONS = """
    SELECT application_name, count(*)::int FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'carillon %%' GROUP BY 1
"""
_LATENESS = """
    SELECT count(*)::int, percentile_cont(0.5) WITHIN GROUP (ORDER BY late), percentile_cont(0.99) WITHIN GROUP
        (ORDER BY late), max(late)
    FROM (
        SELECT 1000 * extract(epoch FROM started_at - due_at)::float8 AS late FROM runs
        WHERE finished_at >= to_timestamp(%s) AND finished_at < to_timestamp(%s) AND status = 'completed'
    ) AS ended
"""


@dataclass(frozen=True)
class Sample:
    """What a process and its descendants held and had used at an instant, in seconds from the beginning.

    `fixed_work` tells how fast the machine was: the milliseconds of a fixed piece of work at that instant.
    """

    at: float
    megabytes: float
    files: int = 0
    threads: int = 0
    processor_seconds: float = 0
    fixed_work: float = 0


@dataclass(frozen=True)
class Lateness:
    """How many milliseconds after their instants the runs began that ended in a stretch of time."""

    runs: int
    p50: float
    p99: float
    longest: float


@dataclass
class Watcher:
    """Samples on a thread of its own while the block lasts."""

    place: Place
    pids: Mapping[str, int]
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    connections: dict[str, list[int]] = field(default_factory=dict)
    minutes: list[Lateness] = field(default_factory=list)
    began: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def overall(self) -> Lateness | None:
        """Returns the lateness of all runs that have ended since the beginning."""
        return lateness(self.place, self.began, time.time())

    def runs_between(self, since: float, until: float) -> int:
        """Returns how many runs ended between two instants, in seconds from the beginning."""
        ended = lateness(self.place, self.began + since, self.began + until)
        return ended.runs if ended else 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        was_alive = self._thread.is_alive()
        self._ending.set()
        self._thread.join()
        if not was_alive:
            raise ProgramError("The watcher broke off: its own error is above.")

    def _watch(self) -> None:
        told = self.began
        while not self._ending.wait(_EVERY_SECONDS):
            at, speed = time.time() - self.began, fixed_work()
            for name, pid in self.pids.items():
                self.samples.setdefault(name, []).append(sample(at, pid, speed))
            for kind, count in self.place.query(_CONNECTIONS, ()):
                self.connections.setdefault(kind, []).append(count)
            if time.time() - told >= _MINUTE:
                self._tell(told, told + _MINUTE)
                told += _MINUTE

    def _tell(self, since: float, until: float) -> None:
        found = lateness(self.place, since, until)
        if found is not None:
            self.minutes.append(found)
            print(
                f"  minute {len(self.minutes)}: {found.runs:,} runs ended; began late by {found.p50:.1f} ms (p50), "
                f"{found.p99:.1f} ms (p99), {found.longest:.0f} ms at most",
                flush=True,
            )


def sample(at: float, pid: int, speed: float) -> Sample:
    """Returns what a process and its descendants hold and have used now."""
    family = [pid, *programs.descendants(pid)]
    return Sample(
        at,
        processor_time.memory_of_trees([pid])[0],
        sum(_entries(f"/proc/{one}/fd") for one in family),
        sum(_entries(f"/proc/{one}/task") for one in family),
        processor_time.of_trees([pid]),
        speed,
    )


def lateness(place: Place, since: float, until: float) -> Lateness | None:
    """Returns the lateness of the runs that ended within a stretch of time; None if none did."""
    [(runs, p50, p99, longest)] = place.query(_LATENESS, (since, until))
    return Lateness(runs, p50, p99, longest) if runs else None


def fixed_work() -> float:
    """Returns the milliseconds of processor time that a fixed number of additions takes now: the fastest of three."""
    return min(_additions() for _ in range(3))


def stretch(samples: Sequence[Sample], first: float, last: float) -> Sequence[Sample]:
    """Returns the samples of a stretch, in shares of the whole time.

    Of a stretch that is too short to have any, the sample that is nearest; nothing if there are no samples at all.
    """
    if not samples:
        return []
    end = samples[-1].at
    some = [one for one in samples if first * end <= one.at <= last * end]
    return some or [min(samples, key=lambda one: abs(one.at - (first + last) / 2 * end))]


def mean(samples: Sequence[Sample], first: float, last: float) -> Sample | None:
    """Returns the average of what was held in a stretch, in shares of the whole time; None without any sample."""
    some = stretch(samples, first, last)
    if not some:
        return None
    return Sample(
        some[-1].at,
        sum(one.megabytes for one in some) / len(some),
        round(sum(one.files for one in some) / len(some)),
        round(sum(one.threads for one in some) / len(some)),
    )


def _additions() -> float:
    began, total = time.thread_time(), 0
    for number in range(_ADDITIONS):
        total += number
    return 1000 * (time.thread_time() - began)


def _entries(folder: str) -> int:
    try:
        return sum(1 for _ in Path(folder).iterdir())
    except OSError:
        return 0  # it has ended, or is another user's
