"""Queries on attempts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from models import set_based
from models.tables import Attempt


def close(ends: Iterable[tuple[UUID, Mapping[str, Any]]]) -> None:
    """Record how the open attempt at each of these runs ended; a run has one at most."""
    set_based.update(Attempt.run, ends, Attempt.finished_at.is_null())


def of_run(run_id: UUID) -> list[Attempt]:
    """Returns a run's attempts, in order."""
    return list(Attempt.select().where(Attempt.run == run_id).order_by(Attempt.number))


def of_runs(run_ids: Iterable[UUID]) -> dict[UUID, list[Attempt]]:
    """Returns the attempts at these runs, in order; a run without any is left out."""
    found: dict[UUID, list[Attempt]] = {}
    for one in Attempt.select().where(Attempt.run.in_(list(run_ids))).order_by(Attempt.run, Attempt.number):
        found.setdefault(one.run_id, []).append(one)
    return found


def by_token(run_id: UUID, token_hash: str) -> Attempt | None:
    """Returns the attempt at a run that a report's token is for, without its answer."""
    columns = (Attempt.run, Attempt.number, Attempt.finished_at, Attempt.outcome, Attempt.polling_version)
    found: Attempt | None = (
        Attempt.select(*columns, Attempt.report)
        .where(Attempt.run == run_id, Attempt.token_hash == token_hash)
        .get_or_none()
    )
    return found


def keep_report(attempt: Attempt, fingerprint: str) -> None:
    """Remember which report ended an attempt."""
    Attempt.update(report=fingerprint).where(Attempt.run == attempt.run_id, Attempt.number == attempt.number).execute()
