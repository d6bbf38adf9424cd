"""Queries on the states that polling jobs went through."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from models import sized
from models.tables import Job, PollingState

KEPT = 50


def keep(states: Sequence[tuple[Job, dict[str, Any] | None]], now: datetime) -> None:
    """Store new states of locked jobs, each as its job's next version, and delete all but the newest few."""
    rows = [_row(job, job.polling_version + 1, state, now) for job, state in states]
    rows += [_replaced(job, now) for job, _ in states]  # already stored, except the first time
    PollingState.insert_many(rows).on_conflict_ignore().execute()
    old = [
        (PollingState.job == job.id) & (PollingState.version <= job.polling_version + 1 - KEPT)
        for job, _ in states
        if job.polling_version >= KEPT
    ]
    if old:
        PollingState.delete().where(functools.reduce(operator.or_, old)).execute()


def newest(job_id: UUID, before: int | None, since: datetime | None = None) -> list[PollingState]:
    """Returns the newest states of a job, or those before a version, newest first, as many as fit on a page.

    If an instant is given, only states that the job has had since.
    """
    wanted = _of_job(job_id, since)
    wanted = wanted if before is None else wanted & (PollingState.version < before)
    size = sized.octets(PollingState.state)
    oldest = sized.oldest_that_fits(PollingState.select().where(wanted), PollingState.version, size)
    query = PollingState.select().where(wanted, PollingState.version >= oldest)
    return list(query.order_by(PollingState.version.desc()))


def any_before(job_id: UUID, version: int, since: datetime | None = None) -> bool:
    """Whether states before a version are kept, as `newest` returns them."""
    return bool(PollingState.select().where(_of_job(job_id, since), PollingState.version < version).exists())


def state(job_id: UUID, version: int, since: datetime | None = None) -> dict[str, Any] | None:
    """Returns a job's state of this version, if it is kept; if an instant is given, only if the job had it since."""
    row = PollingState.get_or_none(_of_job(job_id, since), PollingState.version == version)
    return None if row is None else row.state


def _of_job(job_id: UUID, since: datetime | None) -> Any:
    of_it = PollingState.job == job_id
    return of_it if since is None else of_it & (PollingState.created_at >= since)


def _replaced(job: Job, now: datetime) -> dict[str, Any]:
    created_at = job.created_at if job.polling_version == 0 else now
    return _row(job, job.polling_version, job.polling_state, created_at)


def _row(job: Job, version: int, state: dict[str, Any] | None, created_at: datetime) -> dict[str, Any]:
    return {"job": job.id, "version": version, "state": state, "created_at": created_at}
