"""Store new jobs in one transaction, and ring for those that are due; if the commit is in doubt, look them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog

from core.errors import DatabaseUnavailable
from models import database
from models.hot import creates
from services.jobs import accepting, first_rings
from services.jobs.accepting import Rows
from services.jobs.creation_outcomes import CreationOutcome, Refusal
from services.jobs.definition import NewJob
from services.messaging.unit_of_work import RING_WITHIN, UnitOfWork
from services.runtime import faults
from services.system import System

Told = TypeVar("Told")

log = structlog.get_logger()


def store(
    system: System,
    wanted: Sequence[NewJob | Refusal],
    tell: Callable[[Sequence[CreationOutcome]], Told],
    worth_ringing: Callable[[Rows], Rows] = first_rings.of_one_commit,
) -> Told:
    """Store jobs in one transaction and ring. Returns what `tell` makes of their outcomes; if it raises, stores none.

    Raises `DatabaseUnavailable` if they are not stored, or if it is unknown whether they are.
    """
    outcomes: list[CreationOutcome] = []
    rung: Rows = []
    told: list[Told] = []
    try:
        with system.transaction() as unit:
            outcomes, rows = accepting.store(system, wanted, unit.now)
            told.append(tell(outcomes))
            database.after_commit(lambda: faults.reach(faults.CREATE_COMMITTED))
            rung = worth_ringing(_at_hand(rows, unit.now))
            unit.ring(rung)
    except DatabaseUnavailable:
        if not told or not _took_effect(outcomes):
            raise
        _ring(system, rung)
    return told[0]


def _at_hand(rows: Rows, now: datetime) -> Rows:
    return [row for row in rows if row["held_by"] is None and row["due_at"] <= now + RING_WITHIN]


def _took_effect(outcomes: Sequence[CreationOutcome]) -> bool:
    """Whether a commit without an answer took effect: looks for the rows, whose ids are known."""
    made = [outcome for outcome in outcomes if isinstance(outcome, UUID)]
    try:
        with database.reading():
            found = bool(made) and creates.stored(made) == set(made)
    except DatabaseUnavailable:
        return False
    log.warning("commit_was_in_doubt", jobs=len(made), took_effect=found)
    return found


def _ring(system: System, rows: Rows) -> None:
    work = UnitOfWork(system.clock, system.doorbell)
    work.ring(rows)
    work.send()
