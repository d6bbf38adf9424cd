"""Queries on the outcomes of a run's e-mails."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import peewee

from core.states import RunStatus
from models.tables import Delivery, Run


def record(run_id: UUID, position: int, recipient: str, refusal: str | None, now: datetime) -> None:
    """Record that one of a run's messages was handed over, or refused for good; an outcome already recorded stays."""
    Delivery.insert(
        run=run_id, position=position, recipient=recipient, refusal=refusal, settled_at=now
    ).on_conflict_ignore().execute()


def of_runs(run_ids: Collection[UUID]) -> list[Delivery]:
    """Returns the outcomes so far of the messages of these runs."""
    return list(Delivery.select().where(Delivery.run.in_(list(run_ids))))


def repeated(run_id: UUID) -> list[UUID]:
    """Returns a run and the uncompleted runs that it repeats, from itself back to the first that is kept."""
    self = Run.select(Run.id, Run.retry_of, peewee.Value(0)).where(Run.id == run_id)
    line = self.cte("line", recursive=True, columns=("id", "retry_of", "back"))
    before = Run.alias()
    earlier = before.select(before.id, before.retry_of, line.c.back + 1).join(line, on=before.id == line.c.retry_of)
    whole = line.union_all(earlier.where(before.status != RunStatus.COMPLETED))
    return [one for (one,) in whole.select_from(whole.c.id).order_by(whole.c.back).tuples()]
