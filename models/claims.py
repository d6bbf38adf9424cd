"""Queries on claims: runs that are taken from their queue, held under a lease, and let go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.states import RunStatus
from models import runs, set_based
from models.database import for_update
from models.tables import Run

# A partial index is only used where the query repeats its condition to the letter, which SQLite does not recognise in
# bound parameters.
CLAIMABLE = peewee.SQL("status = 'queued' AND held_by IS NULL")
_RUNNING = peewee.SQL("status = 'running'")
_HELD_BY_NOBODY = {"lease_expires_at": None, "worker_id": None, "reports_until": None, "report_lease_at": None}
MOST_URGENT_FIRST = (Run.priority.desc(), Run.deadline_at.is_null(), Run.deadline_at, Run.due_at, Run.id)


def claim(queue: str, limit: int, worker_id: UUID, now: datetime, lease_expires_at: datetime) -> list[Run]:
    """Take the most urgent runs of a queue that are due and not held, under a lease; never waits for a lock."""
    picked = _picked(queue, limit, now, Run.id).cte("picked")
    chosen = peewee.Select((picked,), (picked.c.id,))
    return list(_start(chosen, worker_id, now, lease_expires_at).with_cte(picked).execute())


def pick(queue: str, limit: int, now: datetime) -> list[Run]:
    """The runs that `claim` would take, locked, and nothing done to them yet; never waits for a lock."""
    return list(_picked(queue, limit, now, Run.id, Run.account_id))


def start(run_ids: Collection[UUID], worker_id: UUID, now: datetime, lease_expires_at: datetime) -> list[Run]:
    """Take these picked runs, under a lease."""
    return list(_start(list(run_ids), worker_id, now, lease_expires_at).execute()) if run_ids else []


def claimable(queue: str, limit: int) -> list[UUID]:
    """The most urgent runs of a queue that wait for a worker, at most so many."""
    query = Run.select(Run.id).where(Run.queue == queue, CLAIMABLE).order_by(*MOST_URGENT_FIRST).limit(limit)
    return [run.id for run in query]


def renew(leases: dict[UUID, int], worker_id: UUID, until: datetime) -> dict[UUID, bool]:
    """Renew a process's leases in one statement: for each run still held, whether its cancel was requested."""
    of_worker = (Run.worker_id == worker_id) & (Run.status == RunStatus.RUNNING) & Run.reports_until.is_null()
    held = runs.locked(Run.id.in_(list(leases)) & of_worker)
    rows = (
        Run.update(lease_expires_at=until)
        .with_cte(held)
        .where(Run.id.in_(peewee.Select((held,), (held.c.id,))))
        .returning(Run.id, Run.fence, Run.cancel_requested_at)
        .execute()
    )
    return {row.id: row.cancel_requested_at is not None for row in rows if row.fence == leases[row.id]}


def running(run_ids: Iterable[UUID]) -> dict[UUID, Run]:
    """Those of these runs that are running, locked in the order of their ids; their jobs are locked by the caller."""
    query = Run.select().where(Run.id.in_(list(run_ids)), Run.status == RunStatus.RUNNING).order_by(Run.id)
    return {run.id: run for run in for_update(query)}


def leave_running(changes: Iterable[tuple[UUID, Mapping[str, Any]]]) -> None:
    """Move runs out of `running`, each as given. Their jobs are locked and their fences were read under the lock."""
    let_go = ((run_id, {**_HELD_BY_NOBODY, **change}) for run_id, change in changes)
    set_based.update(Run.id, let_go, Run.status == RunStatus.RUNNING)


def expired(now: datetime, limit: int) -> list[UUID]:
    """Runs whose lease has run out, longest ago first."""
    query = Run.select(Run.id).where(_RUNNING, Run.lease_expires_at < now).order_by(Run.lease_expires_at).limit(limit)
    return [run.id for run in query]


def held_by_workers(limit: int) -> list[UUID]:
    """Every run that a worker is at, at most so many."""
    at_work = Run.select(Run.id).where(_RUNNING, Run.reports_until.is_null())
    return [run.id for run in at_work.limit(limit)]


def _picked(queue: str, limit: int, now: datetime, *columns: Any) -> Any:
    in_time = ~Run.expire | (Run.deadline_at >= now)
    picked = Run.select(*columns).where(Run.queue == queue, CLAIMABLE, in_time)
    picked = picked.order_by(*MOST_URGENT_FIRST).limit(limit)
    return for_update(picked, skip_locked=True)


def _start(chosen: Any, worker_id: UUID, now: datetime, lease_expires_at: datetime) -> Any:
    return (
        Run.update(
            status=RunStatus.RUNNING,
            attempt_count=Run.attempt_count + 1,
            fence=Run.fence + 1,
            worker_id=worker_id,
            lease_expires_at=lease_expires_at,
            held_until=None,
            started_at=peewee.fn.COALESCE(Run.started_at, Run.started_at.to_value(now)),
        )
        .where(Run.id.in_(chosen))
        .returning(Run)
    )
