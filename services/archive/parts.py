"""The parts of the archive: which there are, and the runs that are in them."""

from __future__ import annotations

import gzip
import heapq
import json
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any, NamedTuple
from uuid import UUID

from core import archives
from core.archives import Part, Place
from core.errors import StorageUnavailable
from services.files import stored
from settings import Settings

_LEVELS = 3  # years, months, days


class Line(NamedTuple):
    """A line of a part: the run in it, and its size in bytes."""

    run: dict[str, Any]
    size: int


@dataclass(frozen=True)
class SizedPart:
    """A part, and its size in bytes."""

    part: Part
    size: int


def days(settings: Settings, first: date, last: date, *, newest_first: bool) -> Iterator[date]:
    """Yields the days within these two that have parts. Raises `StorageUnavailable`."""
    for found in _below(settings, (), first, last, newest_first=newest_first):
        try:
            yield date(*found)
        except ValueError:  # a folder of this name that is no day of the calendar is not ours
            continue


def of_day(settings: Settings, day: date, app_name: str | None = None) -> list[SizedPart]:
    """Returns the parts of a day, or those of one app on it, in order. Raises `StorageUnavailable`."""
    prefix = archives.prefix(settings.archive_prefix, day, app_name)
    found = ((Part.named(one.name), one.size) for one in stored.below(settings, prefix))
    return sorted((SizedPart(part, size) for part, size in found if part), key=lambda one: one.part)


def runs(settings: Settings, parts: Sequence[Part], after: Place | None = None) -> Iterator[tuple[Place, Line]]:
    """Yields the runs of an app's parts of a day in the order of their ends, each once, from `after` (excluded) on.

    A run is in two parts if its deletion was interrupted, or the database was taken back. A part is opened when the
    runs come near its first. Raises `StorageUnavailable`.
    """
    waiting = deque(part for part in parts if after is None or part.last >= after.ended)
    heads: list[tuple[Place, int, Line, Iterator[Line]]] = []
    opened = 0
    while waiting or heads:
        while waiting and (not heads or waiting[0].first <= heads[0][0].ended):
            opened += 1
            _push(heads, opened, in_part(settings, waiting.popleft()))
        if not heads:
            return
        place, number, line, others = heapq.heappop(heads)
        if after is None or place > after:
            yield place, line
            after = place
        _push(heads, number, others)


def in_part(settings: Settings, part: Part, run_id: UUID | None = None) -> Iterator[Line]:
    """Yields the lines of a part in its order; if an id is given, those that name it. Raises `StorageUnavailable`."""
    with stored.opened(settings, part.name) as file:
        try:
            yield from _unzipped(file, part.runs, str(run_id or "").encode())
        except (EOFError, gzip.BadGzipFile, zlib.error, ValueError) as error:
            raise StorageUnavailable(f"The part {part.name} of the archive is damaged: {error}.") from error


def _unzipped(file: IO[bytes], expected: int, wanted: bytes) -> Iterator[Line]:
    """Yields the lines that have the wanted bytes. Raises `ValueError` if there are fewer in all than expected."""
    count = 0
    with gzip.GzipFile(fileobj=file) as lines:
        for count, line in enumerate(lines, start=1):  # noqa: B007  how many is looked at below
            if wanted in line:
                yield Line(json.loads(line), len(line))
    if count < expected:
        raise ValueError(f"it has {count} runs of {expected}")


def _push(heads: list[Any], number: int, lines: Iterator[Line]) -> None:
    """Add the next line of a part to those of which the earliest is taken; nothing, if the part has no more."""
    line = next(lines, None)
    if line is not None:
        place = Place.of(datetime.fromisoformat(line.run["finished_at"]), line.run["id"])
        heapq.heappush(heads, (place, number, line, lines))


def _below(
    settings: Settings, found: tuple[int, ...], first: date, last: date, *, newest_first: bool
) -> Iterator[tuple[int, ...]]:
    """Yields years, months and days as numbers, level by level, without those that are wholly before or after."""
    if len(found) == _LEVELS:
        yield found
        return
    prefix = "/".join([settings.archive_prefix, *(f"{number:02}" for number in found)])
    numbers = [int(name) for name in stored.folders(settings, prefix) if name.isdecimal()]
    for number in sorted(numbers, reverse=newest_first):
        here = (*found, number)
        if _cut(first, here) <= here <= _cut(last, here):
            yield from _below(settings, here, first, last, newest_first=newest_first)


def _cut(day: date, found: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the year, month and day of a day, cut to the length of `found`."""
    return (day.year, day.month, day.day)[: len(found)]
