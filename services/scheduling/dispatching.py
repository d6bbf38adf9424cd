"""Dispatch: make runs due at their instant, ring for them, and keep enough rings in queues with claimable runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from core.due_runs import Fate
from models import claims, database, locks, runs
from models.hot import due_rows
from services.messaging import broker as brokers
from services.messaging.doorbell import Ring
from services.runtime import events
from services.runtime.batching import Pass, free_first
from services.scheduling import due_runs, limit_holds
from services.system import System

LOOK_AHEAD = timedelta(seconds=2)
BATCH = 1_000
MAX_RINGS = 256  # a ring makes a thread claim for up to a second, so more would only wait in the queue


def due_soon(system: System, without: Collection[UUID] = ()) -> list[tuple[UUID, datetime]]:
    """Returns runs whose instant has passed or comes within the look-ahead, soonest first, at most one batch.

    Runs of the jobs in `without` are left out.
    """
    with database.reading():
        return runs.due_by(system.clock.now() + LOOK_AHEAD, BATCH, without)


def make_due(system: System, run_ids: Sequence[UUID]) -> int:
    """Queue, hold, skip or cancel those of these runs whose instant has come; ring for the queued ones.

    Waits for jobs that others have locked. Returns how many were queued.
    """
    return _make_due(system, run_ids, waits_for_locks=True).count


def make_free_due(system: System, run_ids: Sequence[UUID]) -> Pass[UUID]:
    """Make runs due as `make_due` does, but only those whose jobs others have not locked: no run waits for another.

    Returns how many were queued, and those that were passed over.
    """
    return free_first(partial(_make_due, system, briefly=True), run_ids)


def _make_due(system: System, run_ids: Sequence[UUID], *, waits_for_locks: bool, briefly: bool = False) -> Pass[UUID]:
    """Make runs due in one transaction; if `briefly`, it waits no longer than a moment for any lock.

    Overlap, pause and `max_runs` are decided here, under the locks of the jobs. If the database server crashes at once,
    the runs wait as before, and this is done again: a claim is stored after it.
    """
    with system.transaction(asynchronous_commit=True) as unit:
        if briefly:
            locks.wait_briefly()
        now = unit.now
        due = due_rows.lock(run_ids, now, waits_for_locks=waits_for_locks)
        verdict = due_runs.judge(due)
        due_runs.carry_out(verdict, now)
        begins = [run for run in due.runs if verdict.fates[run.id] is Fate.START]
        held = limit_holds.hold(begins, due.jobs, now) if due.keys_hold else {}
        started = [run for run in begins if run.id not in held]
        unit.ring_claimable(started)
    events.emit("runs.dispatched", fates=Counter(verdict.fates.values()))
    return Pass(len(started), due.passed_over)


def arrive(system: System, run_id: UUID, due_at: datetime) -> float:
    """Handle a delayed ring: make its run due if the instant has come. Returns the seconds still to wait."""
    early = (due_at - system.clock.now()).total_seconds()
    if early > 0:
        return early
    make_due(system, [run_id])
    return 0.0


def top_up(
    system: System, carrier: brokers.Carrier, most_rings: Callable[[System], int] = lambda _system: MAX_RINGS
) -> int:
    """Ring for every queue that has more claimable runs than rings, up to `most_rings`. Returns how many it sent.

    Raises `BrokerUnavailable`, or `DatabaseUnavailable`.
    """
    with database.reading():
        waiting = claims.waiting_queues(brokers.RUNS)
    if not waiting:
        return 0
    most = most_rings(system)
    rung = 0
    for queue in waiting:
        with database.reading():
            claimable = claims.claimable(queue, most)
        missing = max(0, len(claimable) - carrier.ready(queue) - system.doorbell.waiting())
        system.doorbell.ring(Ring(run_id, queue) for run_id in claimable[:missing])
        events.emit("rings.topped_up", queue=queue, count=missing)
        rung += missing
    return rung
