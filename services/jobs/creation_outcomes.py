"""The outcomes of creating jobs, in the form that the caller gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.errors import FieldError, Forbidden, InvalidInput, NotFound

Refusal = InvalidInput | Forbidden | NotFound
CreationOutcome = UUID | Refusal

MAX_FAULTS_REPORTED = 100  # of one request


@dataclass(frozen=True)
class Created:
    """The outcome of one of many new jobs: its id, or what is wrong with it."""

    job_id: UUID | None = None
    faults: tuple[FieldError, ...] = ()


def the_only_id(outcomes: Sequence[CreationOutcome]) -> UUID:
    """Returns the id of the only job. Raises its refusal."""
    [outcome] = outcomes
    if isinstance(outcome, UUID):
        return outcome
    raise outcome


def all_or_raise(outcomes: Sequence[CreationOutcome]) -> list[Created]:
    """Returns the ids of all jobs. Raises `InvalidInput` naming what is wrong with any of them."""
    wrong = [
        FieldError(f"jobs.{index}.{fault.field}".rstrip("."), fault.message)
        for index, outcome in enumerate(outcomes)
        for fault in _faults(outcome)
    ]
    if wrong:
        raise InvalidInput(*wrong[:MAX_FAULTS_REPORTED])
    return each(outcomes)


def each(outcomes: Sequence[CreationOutcome]) -> list[Created]:
    """Returns for each job its id, or what is wrong with it."""
    return [
        Created(outcome) if isinstance(outcome, UUID) else Created(faults=tuple(map(_named, _faults(outcome))))
        for outcome in outcomes
    ]


def _named(fault: FieldError) -> FieldError:
    return FieldError(fault.field or "job", fault.message)


def _faults(outcome: CreationOutcome) -> tuple[FieldError, ...]:
    match outcome:
        case InvalidInput():
            return outcome.fields
        case Forbidden():
            return (FieldError("task_type", f"is refused: {outcome}"),)
        case NotFound():
            return (
                FieldError("app_name", f"is {outcome.key!r}, which does not exist; PUT /api/apps/{outcome.key} first."),
            )
        case _:
            return ()
