"""Whether pruning at full speed stalls claims: how long each takes, alone and while another process prunes."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.synchronize import Event

from bench.cloning import groups
from bench.figures import distribution
from bench.growth.system import connected
from bench.servers import Place
from services.execution import claiming, workers
from services.maintenance.pruning import Pruning
from services.messaging.broker import RUNS_HTTP
from services.system import System

_REST_SECONDS = 0.005
_SECONDS = 8.0
_MOST_OLD, _AT_ONCE = 40_000, 5_000
_MAKE_OLD = """
    UPDATE runs SET finished_at = finished_at - INTERVAL '60 days' WHERE id IN (
        SELECT id FROM runs WHERE finished_at > now() - INTERVAL '30 days' LIMIT %s)
"""


def measure(place: Place, system: System, old_runs: int) -> dict[str, dict[str, float]]:
    """Returns the milliseconds of a claim, without pruning and with it, and how many runs a second were pruned."""
    for size in groups(min(old_runs, _MOST_OLD), _AT_ONCE):
        place.query(_MAKE_OLD, (size,))
    alone = _claims(system)
    spawning = multiprocessing.get_context("spawn")
    begun, ending = spawning.Event(), spawning.Event()
    pruning = spawning.Process(target=_prune, args=(place.database_url, begun, ending), daemon=True)
    before = place.count("SELECT count(*) FROM runs")
    pruning.start()
    begun.wait()
    began = time.monotonic()
    beside = _claims(system)
    seconds = time.monotonic() - began
    ending.set()
    pruning.join()
    pruned = before - place.count("SELECT count(*) FROM runs")
    return {"alone": alone, "while pruning": {**beside, "pruned_per_s": pruned / seconds}}


def _claims(system: System) -> dict[str, float]:
    worker = workers.register(system)
    taken: list[float] = []
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        began = time.perf_counter()
        if not claiming.claim(system, worker, RUNS_HTTP, 1):
            break
        taken.append(1000 * (time.perf_counter() - began))
        time.sleep(_REST_SECONDS)
    return distribution(taken)


def _prune(url: str, begun: Event, ending: Event) -> None:
    system = connected(url)
    begun.set()
    passes = Pruning(system)
    while not ending.is_set():
        passes.turn()
