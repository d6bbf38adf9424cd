"""Upkeep: rescue what died with its worker, prune what ended long ago."""

from __future__ import annotations

from datetime import timedelta

from models import database, jobs, runs, workers
from services import executing
from services.system import System

BATCH = 1_000
_WORKER_KEPT = timedelta(days=1)


def rescue(system: System) -> int:
    """Take back runs whose lease has run out, one batch; how many."""
    with database.reading():
        expired = runs.expired(system.clock.now(), BATCH)
    return executing.rescue(system, expired, only_expired=True) if expired else 0


def rescue_all(system: System) -> int:
    """Take back every running run. Only for a start at which no worker can be alive: the embedded one."""
    taken = 0
    while True:
        with database.reading():
            left = runs.all_running(BATCH)
        if not left:
            return taken
        taken += executing.rescue(system, left, only_expired=False)


def prune(system: System) -> int:
    """Delete one batch of runs, jobs and workers that ended longer ago than history is kept; how many rows."""
    now = system.clock.now()
    ended_before = now - timedelta(days=system.settings.keep_history_days)
    with database.transaction():
        pruned = runs.prune(ended_before, BATCH)
        pruned += jobs.prune(ended_before, BATCH)
        pruned += workers.prune(now - _WORKER_KEPT)
    return pruned
