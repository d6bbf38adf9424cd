"""Create jobs: store them in one transaction, and ring for those that are due; if a commit is in doubt, look it up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog

from core.errors import DatabaseUnavailable
from core.principals import Principal
from models import database
from models.hot import creates
from models.runs import NewRun
from services.jobs import accepting, creation_outcomes, first_rings, ownership
from services.jobs.creation_outcomes import Created, CreationOutcome, Refusal
from services.jobs.definition import NewJob
from services.messaging.unit_of_work import RING_WITHIN, UnitOfWork
from services.runtime import faults
from services.system import System

Answer = TypeVar("Answer")

log = structlog.get_logger()


def create(principal: Principal, system: System, new: NewJob, *, also: Callable[[UUID], None] | None = None) -> UUID:
    """Store a job and its first runs, then ring for those that are due or about to be. Returns the job's id.

    `also` stores further rows in the same transaction; such a job is made by Carillon itself, so its data is not
    validated.

    Raises `NotFound` for an unknown app (anonymous mode creates it), `InvalidInput` if the job has no URL to call, the
    name is taken, the deadline has passed, the schedule names no instant at all, or the task type refuses the data,
    and `Forbidden` if the settings do not allow it, or the job would be another user's.
    """
    if also is None:
        return create_validated(principal, system, accepting.validated(principal, system, new))

    def answer(outcomes: Sequence[CreationOutcome]) -> UUID:
        job_id = creation_outcomes.the_only_id(outcomes)
        also(job_id)
        return job_id

    return create_together(system, [ownership.permitted(principal, new)], answer)


def create_validated(principal: Principal, system: System, wanted: NewJob | Refusal) -> UUID:
    """Create a job as `create` does, which `accepting.validated` has returned: its data is not looked at again."""
    return create_together(system, [ownership.permitted(principal, wanted)], creation_outcomes.the_only_id)


def create_many_validated(
    principal: Principal, system: System, wanted: Sequence[NewJob | Refusal], *, all_or_none: bool
) -> list[Created]:
    """Create jobs which `accepting.all_validated` has returned, in one transaction: all of them, or each that is valid.

    Each is created as `create` does. A job that was already refused is given as its refusal. With `all_or_none`, raises
    `InvalidInput` naming the wrong fields of every job.
    """
    answer = creation_outcomes.all_or_raise if all_or_none else creation_outcomes.each
    return create_together(system, [ownership.permitted(principal, one) for one in wanted], answer)


def create_together(
    system: System,
    permitted: Sequence[NewJob | Refusal],
    answer: Callable[[Sequence[CreationOutcome]], Answer],
    worth_ringing: Callable[[list[NewRun]], list[NewRun]] = first_rings.of_one_commit,
) -> Answer:
    """Store jobs in one transaction and ring. Returns the `answer` to their outcomes; if it raises, stores none.

    Raises `DatabaseUnavailable` if they are not stored, or if it is unknown whether they are.
    """
    outcomes: list[CreationOutcome] = []
    rung: list[NewRun] = []
    answers: list[Answer] = []
    try:
        with system.transaction() as unit:
            outcomes, rows = accepting.insert(system, permitted, unit)
            answers.append(answer(outcomes))
            database.after_commit(lambda: faults.reach(faults.CREATE_COMMITTED))
            rung = worth_ringing(_at_hand(rows, unit.now))
            unit.ring(rung)
    except DatabaseUnavailable:
        if not answers or not _took_effect(outcomes):
            raise
        _ring(system, rung)
    return answers[0]


def _at_hand(rows: list[NewRun], now: datetime) -> list[NewRun]:
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


def _ring(system: System, rows: list[NewRun]) -> None:
    unit = UnitOfWork(system.clock, system.doorbell)
    unit.ring(rows)
    unit.send()
