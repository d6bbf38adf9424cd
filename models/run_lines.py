"""Queries on the lines that receivers log and commands write."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from models import changes, converting
from models.compiled import Compiled, placeholder
from models.database import is_sqlite
from models.set_based import chunks
from models.tables import RunLine

_SHOWN: tuple[Any, ...] = (RunLine.number, RunLine.attempt, RunLine.logged_at, RunLine.text)
_CONVERTERS = converting.of(_SHOWN)


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A line of a run's log as it is stored."""

    number: int
    attempt: int
    logged_at: datetime
    text: str


def add(
    run_id: UUID,
    attempt: int,
    lines: Sequence[str],
    now: datetime,
    *,
    most: int,
    characters: int,
    left_out: int = 0,
) -> int:
    """Add lines to a locked run, and delete all but its newest within two bounds. Returns how many remain.

    `left_out` lines before them are numbered and counted as if they had been stored and deleted.
    """
    query: Any = RunLine.select(peewee.fn.MAX(RunLine.number)).where(RunLine.run == run_id)
    last = int(query.scalar() or 0) + left_out
    rows = [(run_id, last + place, attempt, now, text) for place, text in enumerate(lines, start=1)]
    columns: Any = (RunLine.run, RunLine.number, RunLine.attempt, RunLine.logged_at, RunLine.text)
    for chunk in chunks(rows):
        RunLine.insert_many(chunk, fields=columns).execute()
    number = last + len(rows)
    RunLine.delete().where(RunLine.run == run_id, RunLine.number <= number - most).execute()
    changes.note(runs=[run_id])
    kept, beyond = _sized(run_id, characters)
    if beyond:
        RunLine.delete().where(RunLine.run == run_id, RunLine.number <= beyond).execute()
    return kept


def _sized(run_id: UUID, most: int) -> tuple[int, int | None]:
    """Returns how many of a run's newest lines fit a number of characters, and the number of the next older line."""
    size: Any = peewee.fn.SUM(peewee.fn.LENGTH(RunLine.text)).over(order_by=[RunLine.number.desc()])
    lines: Any = RunLine.select(RunLine.number, size.alias("size")).where(RunLine.run == run_id)
    fits = lines.c.size <= most
    beyond = peewee.fn.MAX(peewee.Case(None, [(fits, None)], lines.c.number))
    query: Any = RunLine.select(peewee.fn.COUNT(peewee.Case(None, [(fits, 1)])), beyond)
    [(kept, number)] = query.from_(lines).tuples()
    return kept, number


def newest(run_id: UUID, limit: int) -> list[KeptLine]:
    """Returns a run's newest lines, oldest first."""
    found = _newest(is_sqlite()).rows({"run_id": run_id, "limit": limit})
    return [KeptLine(*converting.values(_CONVERTERS, row)) for row in reversed(found)]


@functools.cache
def _newest(_on_sqlite: bool) -> Compiled:
    query: Any = RunLine.select(*_SHOWN).where(RunLine.run == placeholder("run_id"))
    return Compiled.of(query.order_by(RunLine.number.desc()).limit(placeholder("limit")))


def of_runs(run_ids: Iterable[UUID]) -> dict[UUID, list[RunLine]]:
    """Returns all lines of these runs, oldest first; a run without any is left out."""
    found: dict[UUID, list[RunLine]] = {}
    for one in RunLine.select().where(RunLine.run.in_(list(run_ids))).order_by(RunLine.run, RunLine.number):
        found.setdefault(one.run_id, []).append(one)
    return found
