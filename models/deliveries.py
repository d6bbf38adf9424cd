"""Queries on what became of a run's e-mails."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from models.tables import Delivery


def settle(run_id: UUID, position: int, recipient: str, refusal: str | None, now: datetime) -> None:
    """Record that one of a run's messages was handed over, or refused for good; what is recorded stays."""
    Delivery.insert(
        run=run_id, position=position, recipient=recipient, refusal=refusal, settled_at=now
    ).on_conflict_ignore().execute()


def of_run(run_id: UUID) -> dict[int, Delivery]:
    """What became of a run's messages so far, by their positions."""
    return {one.position: one for one in Delivery.select().where(Delivery.run == run_id)}
