"""Queries for when runs were due first, were held before they began, and when their last attempts began and ended."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from models.tables import Attempt, Job, Run, RunHold

_SCHEDULE: Any = Job.schedule


class Made(NamedTuple):
    """When a run was made, and the schedule of its job as it is stored."""

    created_at: datetime
    schedule: Any


class LastAttempt(NamedTuple):
    """When the last attempt at a run that is over began, and when it ended."""

    started_at: datetime
    finished_at: datetime | None


def made(run_ids: Collection[UUID]) -> dict[UUID, Made]:
    """Returns when each run was made, and how its job is scheduled."""
    query: Any = Run.select(Run.id, Run.created_at, _SCHEDULE).join(Job).where(Run.id.in_(list(run_ids)))
    return {run_id: Made(*found) for run_id, *found in query.tuples()}


def held_first(run_ids: Collection[UUID]) -> set[UUID]:
    """Returns which runs were held before their first attempts, or are held before them now."""
    before = Run.started_at.is_null() | (RunHold.since < Run.started_at)
    query: Any = RunHold.select(RunHold.run).join(Run).where(RunHold.run.in_(list(run_ids)), before)
    return {run_id for (run_id,) in query.distinct().tuples()}


def last_attempts(run_ids: Collection[UUID]) -> dict[UUID, LastAttempt]:
    """Returns the last stored attempt at each run."""
    later = Attempt.alias()
    after = later.select(peewee.SQL("1")).where(later.run == Attempt.run, later.number > Attempt.number)
    query: Any = Attempt.select(Attempt.run, Attempt.started_at, Attempt.finished_at)
    query = query.where(Attempt.run.in_(list(run_ids)), ~peewee.fn.EXISTS(after))
    return {run_id: LastAttempt(*found) for run_id, *found in query.tuples()}
