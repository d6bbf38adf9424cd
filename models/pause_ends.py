"""Queries on the instants at which pauses end by themselves."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.pauses import Paused
from models.set_based import chunks
from models.tables import Job, PauseEnd, Run

EVERYTHING = UUID(int=0)


class End(NamedTuple):
    """A pause and the instant at which it ends."""

    kind: Paused
    id: UUID
    until: datetime


def put(kind: Paused, one: UUID, until: datetime | None) -> None:
    """Record until when something is paused, replacing the former instant; None: until it is resumed."""
    drop([one])
    if until is not None:
        PauseEnd.insert(id=one, kind=kind, until=until).execute()


def drop(ids: Collection[UUID]) -> None:
    """Forget until when jobs or apps were paused."""
    for part in chunks(ids):
        PauseEnd.delete().where(PauseEnd.id.in_(part)).execute()


def of(ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Returns the ends of the pauses of these things, if they end by themselves."""
    if not ids:
        return {}
    query: Any = PauseEnd.select(PauseEnd.id, PauseEnd.until).where(PauseEnd.id.in_(list(ids)))
    return dict(query.tuples())


def soonest(limit: int, without: Collection[UUID] = ()) -> list[End]:
    """Returns the next pauses that end by themselves, soonest first; those of the things in `without` are left out."""
    query = PauseEnd.select().order_by(PauseEnd.until, PauseEnd.id).limit(limit)
    query = query.where(PauseEnd.id.not_in(list(without))) if without else query
    return [End(one.kind, one.id, one.until) for one in query]


def come_for_runs(run_ids: Collection[UUID], now: datetime) -> list[End]:
    """Returns the pauses of these runs' jobs and apps, and of everything, that end by an instant, soonest first."""
    of_jobs = Run.select(Run.job).where(Run.id.in_(list(run_ids)))
    of_apps = Job.select(Job.app).where(Job.id.in_(of_jobs))
    concerned = PauseEnd.id.in_(of_jobs) | PauseEnd.id.in_(of_apps) | (PauseEnd.id == EVERYTHING)
    query = PauseEnd.select().where(PauseEnd.until <= now, concerned).order_by(PauseEnd.until, PauseEnd.id)
    return [End(one.kind, one.id, one.until) for one in query]


def come(ids: Collection[UUID], now: datetime) -> set[UUID]:
    """Returns which of these pauses still end by an instant; call it under the locks of the paused things."""
    query: Any = PauseEnd.select(PauseEnd.id).where(PauseEnd.id.in_(list(ids)), PauseEnd.until <= now)
    return {one for (one,) in query.tuples()}
