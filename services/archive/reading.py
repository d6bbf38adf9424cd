"""Show the archive to administrators: its days, the runs of a day, one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, islice
from typing import Any, NamedTuple
from uuid import UUID

from core import archives, object_names
from core.archives import Part, Place
from core.errors import NotFound
from core.listing import MAX_BYTES_IN_PAGE
from core.principals import Principal
from models import apps, database
from services.archive import parts
from services.archive.counting import Counting
from services.archive.parts import Line, SizedPart
from services.system import System
from settings import Settings

MAX_DAYS_LOOKED_THROUGH = 31
MAX_PARTS_LOOKED_THROUGH = 200
MAX_BYTES_LOOKED_THROUGH = 256 * 1024 * 1024  # zipped
_A_DAY = timedelta(days=1)


ArchivedRun = dict[str, Any]  # as its line has it


@dataclass(frozen=True)
class AppOfDay:
    """What the archive has of an app on one day; the size is in bytes.

    If `is_exact` is false, runs that are stored twice are counted twice: an exact count would read too much.
    """

    app_name: str
    runs: int
    is_exact: bool
    size: int


@dataclass(frozen=True)
class ArchivedDay:
    """A day of the archive, by app."""

    day: date
    apps: tuple[AppOfDay, ...]


class Mark(NamedTuple):
    """A run's place in its day: the folder of its app, then its place there."""

    folder: str
    place: Place


def days(
    principal: Principal, system: System, *, first: date, last: date, app_name: str | None, limit: int
) -> tuple[list[ArchivedDay], date | None]:
    """Returns the newest days that have runs, newest first, and the day from which to continue.

    Only what an app has, if one is named; days without any are left out. Raises `Forbidden` unless for administrators,
    and `StorageUnavailable`.
    """
    principal.expect_administration()
    app_name = _as_spelled(app_name)
    looked_at = list(islice(parts.days(system.settings, first, last, newest_first=True), limit + 1))
    counting = Counting(system.settings)
    listed = [_day(system.settings, counting, day, app_name) for day in looked_at[:limit]]
    return [day for day in listed if day.apps], looked_at[-1] if len(looked_at) > limit else None


def runs(
    principal: Principal, system: System, day: date, *, app_name: str | None, after: Mark | None, limit: int
) -> tuple[list[ArchivedRun], Mark | None]:
    """Returns runs that ended on a day, by app, then by their ends, and the mark of the last one if more follow.

    There are fewer than the limit if they are large. Raises `Forbidden` unless for administrators, and
    `StorageUnavailable`.
    """
    principal.expect_administration()
    found = [one.part for one in parts.of_day(system.settings, day, _as_spelled(app_name))]
    page: list[ArchivedRun] = []
    size = 0
    for mark, line in _lines_after(system.settings, found, after):
        if page and (len(page) == limit or size + line.size > MAX_BYTES_IN_PAGE):
            return page, after
        page.append(line.run)
        size += line.size
        after = mark
    return page, None


def run(principal: Principal, system: System, run_id: UUID, since: date | None) -> ArchivedRun:
    """Returns the run with this id, searching a bounded number of days from its creation, or from `since`.

    Raises `Forbidden` unless for administrators, `NotFound`, and `StorageUnavailable`.
    """
    principal.expect_administration()
    first = archives.earliest_day(run_id) if since is None else since
    some = list(islice(parts.days(system.settings, first, date.max, newest_first=False), MAX_DAYS_LOOKED_THROUGH))
    may_hold = (part for day in some for part in _parts_that_may_hold(system.settings, day, run_id))
    looked_through, is_cut = _first_of(may_hold)
    for part in looked_through:
        for line in parts.in_part(system.settings, part, run_id):
            if line.run["id"] == str(run_id):
                return line.run
    raise NotFound(_looked_for(first, some, looked_through, is_cut=is_cut), run_id)


def _first_of(found: Iterable[SizedPart]) -> tuple[list[Part], bool]:
    """Returns the first of these parts, as many as one request may read, and whether there are more."""
    first: list[Part] = []
    size = 0
    for one in found:
        size += one.size
        if first and (len(first) == MAX_PARTS_LOOKED_THROUGH or size > MAX_BYTES_LOOKED_THROUGH):
            return first, True
        first.append(one.part)
    return first, False


def _looked_for(first: date, some: Sequence[date], looked_through: Sequence[Part], *, is_cut: bool) -> str:
    """Returns what was looked for, and where, as the noun of an error."""
    if is_cut:
        last = looked_through[-1].day
        return f"archived run in {len(looked_through)} parts from {first} to {last} (list the runs of its day instead):"
    if len(some) < MAX_DAYS_LOOKED_THROUGH:
        return f"archived run that ended on {first} or later:"
    return f"archived run that ended from {first} to {some[-1]} (continue with since={some[-1] + _A_DAY}):"


def _parts_that_may_hold(settings: Settings, day: date, run_id: UUID) -> Iterator[SizedPart]:
    return (one for one in parts.of_day(settings, day) if one.part.may_hold(run_id))


def _lines_after(settings: Settings, found: Sequence[Part], after: Mark | None) -> Iterator[tuple[Mark, Line]]:
    for folder, of_app in groupby(found, key=lambda part: part.folder):
        if after is not None and folder < after.folder:
            continue
        begin = after.place if after is not None and folder == after.folder else None
        for place, line in parts.runs(settings, list(of_app), begin):
            yield Mark(folder, place), line


def _day(settings: Settings, counting: Counting, day: date, app_name: str | None) -> ArchivedDay:
    by_app = groupby(parts.of_day(settings, day, app_name), key=lambda one: one.part.folder)
    return ArchivedDay(day, tuple(_app(settings, counting, list(of_app)) for _, of_app in by_app))


def _app(settings: Settings, counting: Counting, of_app: Sequence[SizedPart]) -> AppOfDay:
    some = of_app[0].part
    name = some.folder if object_names.is_plain(some.folder) else next(parts.in_part(settings, some)).run["app_name"]
    count, is_exact = counting.runs(of_app)
    return AppOfDay(name, count, is_exact, sum(one.size for one in of_app))


def _as_spelled(app_name: str | None) -> str | None:
    """Returns the name of an app as the app spells it; as given, if there is no such app any more."""
    if app_name is None:
        return None
    with database.reading():
        found = apps.by_name(app_name)
    return app_name if found is None else found.name
