"""A job's last days as callers get them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.paging import Query
from api.schemas.values import Shown, Zone
from core.past_occurrences import Became
from services.reading.occurrences.calendar import DAYS
from services.reading.occurrences.past_occurrences import MOST


class CalendarQuery(Query):
    """How many days, on the clocks of which zone."""

    days: Annotated[int, Field(ge=1, le=DAYS)] = DAYS
    timezone: Zone = "UTC"


class OccurrencesQuery(Query):
    """How many to show."""

    limit: Annotated[int, Field(ge=1, le=MOST)] = 200


class PastOccurrence(Shown):
    """An occurrence that has come, what became of it, and the run that stands for it: of a repeated one, the newest.

    `occurrences` is for how many missed ones the run stands, from `scheduled_for` on; else 1.
    """

    scheduled_for: datetime
    became: Became
    run_id: UUID
    occurrences: int


class PastOccurrences(Shown):
    """The newest occurrences of a job's last 90 days that have come, newest first."""

    results: list[PastOccurrence]


class DayOfJob(Shown):
    """A day from `start` to before `end`, and how many occurrences of the job ran well, failed and so on in it.

    An occurrence that was replayed counts once, as its replay ended. `is_partial`: runs of the day are lacking,
    since they are no longer kept or are older than the newest 20,000; the counts are those of the others, and null if
    there are none.
    """

    day: date
    start: datetime
    end: datetime
    completed: int | None
    failed: int | None
    missed: int | None
    skipped: int | None
    cancelled: int | None
    is_partial: bool


class Calendar(Shown):
    """A job's last days, today last."""

    results: list[DayOfJob]
