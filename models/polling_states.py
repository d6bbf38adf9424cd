"""Queries on the states that polling jobs went through."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from models.tables import Job, PollingState

KEPT = 50


def keep(job: Job, version: int, state: dict[str, Any], now: datetime) -> None:
    """Store a locked job's new state as this version, and let go of versions older than the newest few."""
    _insert(job, version - 1, job.polling_state, job.created_at if version == 1 else now)  # there already, but once
    _insert(job, version, state, now)
    PollingState.delete().where(PollingState.job == job.id, PollingState.version <= version - KEPT).execute()


def newest(job_id: UUID) -> list[PollingState]:
    """The states of a job that are kept, newest first."""
    query = PollingState.select().where(PollingState.job == job_id)
    return list(query.order_by(PollingState.version.desc()))


def state(job_id: UUID, version: int) -> dict[str, Any] | None:
    """A job's state of this version, if it is kept."""
    row = PollingState.get_or_none(PollingState.job == job_id, PollingState.version == version)
    return None if row is None else row.state


def _insert(job: Job, version: int, state: dict[str, Any], now: datetime) -> None:
    PollingState.insert(job=job.id, version=version, state=state, created_at=now).on_conflict_ignore().execute()
