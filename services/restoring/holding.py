"""Hold everything after a restore: all at once for those who claim, then the runs part by part.

From the first transaction on nothing is claimed, and whatever comes due is held. So the runs that are claimable can be
held in parts, by any process: who dies meanwhile leaves the rest to the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from core.restoring import next_mark
from models import database, installation, jobs, restores
from models.installation import InstallationState
from models.pauses import Gate
from models.set_based import LOOK, chunks
from services.system import System


def begin(found: InstallationState, seen: int | None, now: datetime) -> int:
    """Hold every app and stop all claims, in a transaction that has closed the gate and locked the installation.

    Returns how many runs are to be held; `go_on` holds them.
    """
    installation.take_back(next_mark(found.database, seen), found.database.place, now, found.marked_at)
    return restores.hold_apps(now)


def go_on(system: System) -> None:
    """Hold the runs that are left, if everything is being held, then allow claims again. Raises `DatabaseUnavailable`.

    Several processes at once share the work: each passes over the jobs that another has locked.
    """
    while True:
        with database.reading():
            if not installation.is_holding():
                return
            found = restores.to_hold(LOOK)
        parts = list(chunks(sorted(found)))
        held = sum(_hold(system, part) for part in parts)
        if not found:
            _end(system)
        elif not held:  # others have locked all of them: to wait for one part is cheaper than to look again
            _hold(system, parts[0], waits=True)


def _hold(system: System, part: Sequence[tuple[UUID, UUID]], *, waits: bool = False) -> int:
    """Hold those of these runs whose jobs nobody has locked, or all of them. Returns how many were tried.

    Nothing is held if another process has ended the holding: then some may have been released since.
    """
    with system.transaction() as unit:
        left = restores.left_to_hold([run_id for run_id, _ in part]) if installation.is_holding() else set()
        locked = jobs.lock((job_id for run_id, job_id in part if run_id in left), skip_locked=not waits)
        mine = [run_id for run_id, job_id in part if run_id in left and job_id in locked]
        if mine:
            restores.hold(mine, unit.now)
    return len(mine)


def _end(system: System) -> None:
    with system.transaction(Gate.CLOSED):
        if not restores.to_hold(1):
            installation.end_holding()
