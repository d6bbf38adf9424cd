"""The archive as callers ask for it and get it."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from api.schemas.paging import Filter, Limit, Query
from api.schemas.runs import RunWithAttempts
from api.schemas.values import Shown
from api.validation import shown
from core.archives import Place
from services.archive.reading import Mark

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MARK = re.compile(r"([A-Za-z0-9._-]{1,100})/(\d{12})/([0-9a-f-]{36})")
_NO_MARK = "is not a place in this list; take the one in `next`, or leave it out to begin again."


def read_day(value: Any) -> date:
    """Returns the day that a text names. Raises `ValueError`."""
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f"is {shown(value)}, which is no day; write for example 2026-11-28.")


def _mark(value: Any) -> Mark:
    found = _MARK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(_NO_MARK)
    return Mark(found[1], Place(found[2], found[3]))


def written(mark: Mark) -> str:
    """Returns a mark in the form that it has in the path of the next page."""
    return "/".join((mark.folder, *mark.place))


Day = Annotated[date, PlainValidator(read_day), WithJsonSchema({"type": "string", "format": "date"})]
GivenMark = Annotated[Mark, PlainValidator(_mark), WithJsonSchema({"type": "string", "pattern": f"^{_MARK.pattern}$"})]


class ArchiveQuery(Query):
    """Which days of the archive: from the first to the last, both included; of one app, if that is named."""

    app_name: Filter | None = None
    first_day: Day = date.min
    last_day: Day = date.max
    limit: Limit = 31


class ArchivedRunsQuery(Query):
    """Which runs of a day: of one app, if that is named; the ones after a place in the list."""

    app_name: Filter | None = None
    after: GivenMark | None = None
    limit: Limit = 50


class ArchivedRunQuery(Query):
    """From which day on the run is looked for; unless given, from that of its making."""

    since: Day | None = None


class AppOfDay(Shown):
    """What the archive has of an app on one day; `size` is in bytes, zipped.

    A run that is stored twice counts once in `runs`. Where `is_exact` is false there may be fewer runs: to count them
    would take too much reading.
    """

    app_name: str
    runs: int
    is_exact: bool
    size: int


class ArchivedDay(Shown):
    """A day (UTC) on which archived runs ended, by app."""

    day: date
    apps: list[AppOfDay]


class ArchivedDays(Shown):
    """Days of the archive, newest first; `next` is the path of the days before. A page may have fewer than asked."""

    next: str | None
    results: list[ArchivedDay]


class ArchivedRun(RunWithAttempts):
    """A run with every try at it and all lines that receivers had logged, as the release that stored it shows them."""


class ArchivedRuns(Shown):
    """Runs of a day, by app, then in the order of their ends; `next` is the path of those that follow."""

    next: str | None
    results: list[ArchivedRun]
