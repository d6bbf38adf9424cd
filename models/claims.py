"""Queries on claims: runs that are taken from their queue, held under a lease, and let go."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.states import Outcome, RunStatus
from models import runs
from models.database import for_update
from models.filtering import CLAIMABLE, RUNNING
from models.tables import Attempt, Run, Use, Worker, db

_WAITS = "SELECT ? WHERE EXISTS (SELECT 1 FROM runs WHERE queue = ? AND status = 'queued' AND held_by IS NULL)"
_EARLIEST_FIRST = (Run.deadline_at.is_null(), Run.deadline_at, Run.due_at, Run.id)
MOST_URGENT_FIRST = (Run.priority.desc(), *_EARLIEST_FIRST)
# Exactly as in the index of the queue.
BY_PARTY = (Run.priority.desc(), Run.party, *_EARLIEST_FIRST)


def claimable(queue: str, limit: int) -> list[UUID]:
    """Returns the first runs of a queue that wait for a worker, the highest priority first."""
    query = Run.select(Run.id).where(Run.queue == queue, CLAIMABLE).order_by(*BY_PARTY).limit(limit)
    return _ids(query)


def waiting_queues(queues: Sequence[str]) -> list[str]:
    """Returns those of these queues in which a run waits for a worker. Written as text, since it runs every second."""
    question = " UNION ALL ".join([_WAITS] * len(queues)).replace("?", db.obj.param)
    parameters = [queue for queue in queues for _ in range(2)]
    return [name for (name,) in db.execute_sql(question, parameters).fetchall()]


def renew(
    leases: dict[UUID, int], worker_id: UUID, until: datetime, *, waits_for_locks: bool = True
) -> dict[UUID, bool]:
    """Renew a process's leases in one statement. Returns the runs still held, each with whether to cancel it.

    Unless it `waits_for_locks`, it passes over runs that others have locked.
    """
    held = runs.locked(Run.id.in_(list(leases)) & _held_by(worker_id), skip_locked=not waits_for_locks)
    rows = (
        Run.update(lease_expires_at=until)
        .with_cte(held)
        .where(Run.id.in_(peewee.Select((held,), (held.c.id,))))
        .returning(Run.id, Run.fence, Run.cancel_requested_at)
        .execute()
    )
    return {row.id: row.cancel_requested_at is not None for row in rows if row.fence == leases[row.id]}


def still_held(leases: dict[UUID, int], worker_id: UUID) -> set[UUID]:
    """Returns which of these leases a process still has; locks nothing."""
    query: Any = Run.select(Run.id, Run.fence).where(Run.id.in_(list(leases)), _held_by(worker_id))
    return {run_id for run_id, fence in query.tuples() if fence == leases[run_id]}


def _held_by(worker_id: UUID) -> Any:
    return (Run.worker_id == worker_id) & (Run.status == RunStatus.RUNNING) & Run.reports_until.is_null()


def token_hashes(run_ids: Collection[UUID]) -> set[str]:
    """Returns the token hashes of the attempts under way at those of these runs that are running."""
    query: Any = Run.select(Run.claimed_token_hash).where(Run.id.in_(list(run_ids)), RUNNING)
    return {token_hash for (token_hash,) in query.tuples()}


def expired(now: datetime, limit: int, without: Collection[UUID] = ()) -> list[UUID]:
    """Returns runs whose lease has expired, longest ago first; those of the jobs in `without` are left out."""
    query = Run.select(Run.id).where(RUNNING, Run.lease_expires_at < now).order_by(Run.lease_expires_at).limit(limit)
    return _ids(runs.of_jobs_other_than(query, without))


def end_leases_by(instant: datetime, beyond: datetime, limit: int) -> int:
    """End at an instant the leases of workers that end beyond another, at most so many. Returns how many."""
    return _end_by(instant, Run.reports_until.is_null(), beyond, limit)


def end_report_leases_by(instant: datetime, beyond: datetime, limit: int) -> int:
    """End at an instant the leases of receivers that end beyond another, at most so many. Returns how many."""
    return _end_by(instant, Run.reports_until.is_null(False), beyond, limit)


def _end_by(instant: datetime, condition: Any, beyond: datetime, limit: int) -> int:
    late = Run.select(Run.id).where(RUNNING, condition, Run.lease_expires_at > beyond).limit(limit)
    free = for_update(late, skip_locked=True)
    return int(Run.update(lease_expires_at=instant).where(Run.id.in_(free)).execute())


def held_by_workers(limit: int) -> list[UUID]:
    """Returns the runs that workers hold, up to a limit."""
    at_work = Run.select(Run.id).where(RUNNING, Run.reports_until.is_null())
    return _ids(at_work.limit(limit))


class Loss(NamedTuple):
    """An attempt that was lost, of a run under way now; `beat_at` is the last beat of its worker, None if unknown."""

    run_id: UUID
    claimed_at: datetime
    began_at: datetime
    lost_at: datetime
    beat_at: datetime | None


def losses(worker_id: UUID, least: int) -> list[Loss]:
    """Returns the lost attempts of the runs that a process executes and that lost at least so many workers."""
    of_worker = (RUNNING, Run.reports_until.is_null(), Run.worker_id == worker_id, Run.loss_count >= least)
    columns = (Run.id, Run.claimed_at, Attempt.started_at, Attempt.finished_at, Worker.heartbeat_at)
    query: Any = Run.select(*columns).join(Attempt, on=(Attempt.run == Run.id) & (Attempt.outcome == Outcome.LOST))
    query = query.join(Worker, peewee.JOIN.LEFT_OUTER, on=Attempt.worker_id == Worker.id)
    return [Loss(*row) for row in query.where(*of_worker).tuples()]


def put_back(run_ids: Sequence[UUID], due_at: datetime) -> None:
    """Undo the claim of runs that the caller's transaction has claimed; they are retried at an instant."""
    of_claim = ("worker_id", "lease_expires_at", "claimed_at", "claimed_token_hash", "claimed_polling_version")
    again = {"status": RunStatus.RETRYING, "due_at": due_at, "attempt_count": Run.attempt_count - 1}
    Run.update(again | dict.fromkeys(of_claim)).where(Run.id.in_(run_ids)).execute()


def forget_uses(run_ids: Sequence[UUID]) -> set[str]:
    """Delete the calls under way of these runs, so that no limit counts them. Returns the keys that counted them."""
    query: Any = Use.delete().where(Use.run_id.in_(run_ids), Use.ended_at.is_null()).returning(Use.key)
    return {use.key for use in query.execute()}


def _ids(query: Any) -> list[UUID]:
    """Returns only the ids: building a model for each row would take far longer."""
    return [run_id for (run_id,) in query.tuples()]
