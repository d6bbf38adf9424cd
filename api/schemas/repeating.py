"""Triggers, retries and backfills as callers write them and get them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator

from api.schemas.values import Given, Instant, Shown


class NewTrigger(Given):
    """A run to make now; `data`, if given, replaces the job's."""

    data: dict[str, Any] | None = None


class NewReplay(Given):
    """A run to repeat, with `again` even if it has completed; `data`, if given, replaces the run's."""

    data: dict[str, Any] | None = None
    again: bool = False


class Retried(Shown):
    """The run with which a failed job continues."""

    status: Literal["Job retried."] = "Job retried."
    run_id: UUID


class NewBackfill(Given):
    """The span, `to` exclusive, whose occurrences are to run now; those that ran or are running only with `again`."""

    start: Annotated[Instant, Field(alias="from")]
    end: Annotated[Instant, Field(alias="to")]
    again: bool = False
    dry_run: bool = False

    @field_validator("end")
    @classmethod
    def _is_later(cls, end: datetime, info: ValidationInfo) -> datetime:
        start = info.data.get("start")
        if start is not None and end <= start:
            raise ValueError("must be later than from.")
        return end


class Backfill(Shown):
    """How many occurrences the schedule names in the span, the first and the last, and how many runs were made."""

    occurrences: int
    made: int
    first: datetime | None
    last: datetime | None
