"""A job's last days as callers get them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from api.schemas.paging import Query
from api.schemas.values import Shown, Zone
from services.reading.calendar import DAYS


class CalendarQuery(Query):
    """How many days, on the clocks of which zone."""

    days: Annotated[int, Field(ge=1, le=DAYS)] = DAYS
    timezone: Zone = "UTC"


class DayOfJob(Shown):
    """A day from `start` to before `end`, and how many occurrences of the job ran well, failed and so on in it.

    An occurrence that was replayed counts once, as its replay ended. The counts are null for a day of which nothing is
    known: its runs are no longer kept, or are older than the newest 20,000.
    """

    day: date
    start: datetime
    end: datetime
    completed: int | None
    failed: int | None
    missed: int | None
    skipped: int | None
    cancelled: int | None


class Calendar(Shown):
    """A job's last days, today last."""

    results: list[DayOfJob]
