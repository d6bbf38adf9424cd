"""Apply what follows from ended attempts: the consequences, the turns of runs that waited for them, and the rings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from models import database, jobs
from models.tables import Run
from services.messaging.unit_of_work import UnitOfWork
from services.scheduling import overlap_queue, run_endings
from services.scheduling.run_endings import DecidedEnd
from services.system import System


def apply(system: System, unit: UnitOfWork, ends: Sequence[DecidedEnd], *, best_effort: bool = False) -> None:
    """Write how these runs and their jobs go on, and start the runs that waited for them; ring after the commit.

    The caller has locked the jobs. With `best_effort`, what cannot be written is left out, except the ends of the runs
    themselves; the coordinator gives a turn that is left out a little later.
    """
    run_endings.carry_out(ends, unit.now, best_effort=best_effort)
    waited_for = {one.job.id for one in ends if one.lets_another_start}
    following: list[Run | dict[str, Any]] = [one.next_poll for one in ends if one.next_poll is not None]
    if waited_for and best_effort:
        database.attempt(lambda: following.extend(_turns(system, waited_for)))
    elif waited_for:
        following += _turns(system, waited_for)
    unit.ring(following, timedelta(seconds=system.settings.window_seconds))


def _turns(system: System, job_ids: Collection[UUID]) -> list[Run]:
    """Start the runs of these jobs whose turn it is, and return them."""
    return overlap_queue.give(system, jobs.lock(job_ids))
