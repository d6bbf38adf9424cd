"""Many new jobs in one request, and the outcome of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, PlainValidator

from api import validation
from api.schemas.jobs import NewJob
from api.schemas.reports import WrongField
from api.schemas.values import Given, Shown
from core.errors import InvalidInput
from services.jobs import creation_outcomes, definition

MAX_JOBS = 1_000


def _parsed_or_refused(value: Any) -> definition.NewJob | InvalidInput:
    """Parse each job by itself, so that a wrong one does not hide the others."""
    try:
        return validation.member(NewJob, value).parsed()
    except InvalidInput as refusal:
        return refusal


JobOrRefusal = Annotated[Any, PlainValidator(_parsed_or_refused, json_schema_input_type=NewJob)]


class NewJobList(Given):
    """Jobs to create: `all` of them or none, or `each` that is valid."""

    mode: Literal["all", "each"] = "all"
    jobs: Annotated[list[JobOrRefusal], Field(min_length=1, max_length=MAX_JOBS)]


class CreatedOne(Shown):
    """A job that was created, by its place in the request."""

    index: int
    id: UUID


class RefusedOne(Shown):
    """A job that was not created, by its place in the request, and what is wrong with it."""

    index: int
    errors: list[WrongField]


class CreatedJobs(Shown):
    """The outcomes of many creates, in the order of the request."""

    created: int
    failed: int
    results: list[CreatedOne | RefusedOne]

    @classmethod
    def of(cls, became: Sequence[creation_outcomes.Created]) -> CreatedJobs:
        """Returns the answer with these outcomes."""
        results = [_result_of(index, outcome) for index, outcome in enumerate(became)]
        failed = sum(isinstance(one, RefusedOne) for one in results)
        return cls(created=len(results) - failed, failed=failed, results=results)


def _result_of(index: int, outcome: creation_outcomes.Created) -> CreatedOne | RefusedOne:
    if outcome.job_id is not None:
        return CreatedOne(index=index, id=outcome.job_id)
    return RefusedOne(index=index, errors=[WrongField.model_validate(fault) for fault in outcome.faults])
