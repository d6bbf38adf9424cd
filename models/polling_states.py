"""Queries on the states that polling jobs went through."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from models.tables import Job, PollingState

KEPT = 50


def keep(states: Sequence[tuple[Job, dict[str, Any] | None]], now: datetime) -> None:
    """Store new states of locked jobs, each as its job's next version, and delete all but the newest few."""
    rows = [_row(job, job.polling_version + 1, state, now) for job, state in states]
    rows += [_replaced(job, now) for job, _ in states]  # there already, but once
    PollingState.insert_many(rows).on_conflict_ignore().execute()
    old = [
        (PollingState.job == job.id) & (PollingState.version <= job.polling_version + 1 - KEPT)
        for job, _ in states
        if job.polling_version >= KEPT
    ]
    if old:
        PollingState.delete().where(functools.reduce(operator.or_, old)).execute()


def newest(job_id: UUID) -> list[PollingState]:
    """Returns the states of a job that are kept, newest first."""
    query = PollingState.select().where(PollingState.job == job_id)
    return list(query.order_by(PollingState.version.desc()))


def state(job_id: UUID, version: int) -> dict[str, Any] | None:
    """Returns a job's state of this version, if it is kept."""
    row = PollingState.get_or_none(PollingState.job == job_id, PollingState.version == version)
    return None if row is None else row.state


def _replaced(job: Job, now: datetime) -> dict[str, Any]:
    created_at = job.created_at if job.polling_version == 0 else now
    return _row(job, job.polling_version, job.polling_state, created_at)


def _row(job: Job, version: int, state: dict[str, Any] | None, created_at: datetime) -> dict[str, Any]:
    return {"job": job.id, "version": version, "state": state, "created_at": created_at}
