"""Whether pruning at full speed stalls workers: how long claims and records take, alone and while a process prunes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from typing import Any, Self

from bench.cloning import groups
from bench.figures import distribution
from bench.growth.system import connected
from bench.servers import Place
from services.execution import claiming, recording, workers
from services.execution.work import Succeeded
from services.maintenance.pruning import Pruning
from services.messaging.broker import RUNS_HTTP
from services.system import System

SECONDS = 8.0
MAX_STALL_MS = 50.0
_REST_SECONDS = 0.005
_SETTLING_SECONDS = 0.3
_COUNT = "SELECT count(*) FROM runs WHERE finished_at IS NOT NULL"
_MAX_OLD, _AT_ONCE = 40_000, 5_000
_MAKE_OLD = """
    UPDATE runs SET finished_at = finished_at - INTERVAL '60 days' WHERE id IN (
        SELECT id FROM runs WHERE finished_at > now() - INTERVAL '30 days' LIMIT %s)
"""


@dataclass
class Taken:
    """How many milliseconds a worker's claims and records took, one after the other."""

    claims: list[float] = field(default_factory=list)
    records: list[float] = field(default_factory=list)
    seconds: float = 0.0


class Pruner:
    """Another process, which prunes without a rest while it is told to."""

    def __init__(self, place: Place, **settings: Any) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._ready, self._going, self._ending = spawning.Event(), spawning.Event(), spawning.Event()
        told = (place.database_url, settings, self._ready, self._going, self._ending)
        self._process = spawning.Process(target=_prune, args=told, daemon=True)
        self._place = place
        self.pruned = 0

    def __enter__(self) -> Self:
        self._process.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._process.join()

    @contextmanager
    def pruning(self) -> Iterator[None]:
        """Prune during the block, and count the runs that go."""
        before = self._place.count(_COUNT)
        self._going.set()
        try:
            yield
        finally:
            self._going.clear()
            time.sleep(_SETTLING_SECONDS)  # for the pass under way
            self.pruned += before - self._place.count(_COUNT)


def measure(place: Place, system: System, old_runs: int) -> dict[str, dict[str, float]]:
    """Returns the milliseconds of a claim, without pruning and with it, and how many runs a second were pruned."""
    for size in groups(min(old_runs, _MAX_OLD), _AT_ONCE):
        place.query(_MAKE_OLD, (size,))
    alone, beside = Taken(), Taken()
    work(system, alone, SECONDS, records=False)
    with Pruner(place) as pruner, pruner.pruning():
        work(system, beside, SECONDS, records=False)
    figures = distribution(beside.claims)
    return {
        "alone": distribution(alone.claims),
        "while pruning": {**figures, "pruned_per_s": pruner.pruned / beside.seconds},
    }


def work(system: System, taken: Taken, seconds: float, *, records: bool = True) -> None:
    """Claim one run after the other, and record that it went well if that is wanted, with a short rest between."""
    worker = workers.register(system)
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        before = time.perf_counter()
        claimed = claiming.claim(system, worker, RUNS_HTTP, 1)
        taken.claims.append(_ms_since(before))
        if not claimed:
            raise RuntimeError("No run is left to claim; fill the database with more queued ones: --queued.")
        if records:
            before = time.perf_counter()
            recording.record(system, [(claimed[0], Succeeded(200, '{"status": "success"}'))])
            taken.records.append(_ms_since(before))
        time.sleep(_REST_SECONDS)
    taken.seconds += time.monotonic() - began


def _ms_since(before: float) -> float:
    return 1000 * (time.perf_counter() - before)


def _prune(url: str, settings: dict[str, Any], ready: Event, going: Event, ending: Event) -> None:
    system = connected(url, **settings)
    passes = Pruning(system)
    ready.set()
    while not ending.is_set():
        if going.wait(_REST_SECONDS):
            passes.turn()
