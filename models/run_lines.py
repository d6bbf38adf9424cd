"""Queries on the lines that receivers log and commands write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from models import changes
from models.set_based import chunks
from models.tables import RunLine


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
    """Add lines to a locked run, and delete all but its newest within two bounds. Returns how many stay.

    `left_out` lines that came before them are numbered and counted like those that were deleted.
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
    """Returns how many of a run's newest lines have together so many characters, and the number of the next older."""
    size: Any = peewee.fn.SUM(peewee.fn.LENGTH(RunLine.text)).over(order_by=[RunLine.number.desc()])
    lines: Any = RunLine.select(RunLine.number, size.alias("size")).where(RunLine.run == run_id)
    fits = lines.c.size <= most
    beyond = peewee.fn.MAX(peewee.Case(None, [(fits, None)], lines.c.number))
    query: Any = RunLine.select(peewee.fn.COUNT(peewee.Case(None, [(fits, 1)])), beyond)
    [(kept, number)] = query.from_(lines).tuples()
    return kept, number


def newest(run_id: UUID, limit: int) -> list[RunLine]:
    """Returns a run's newest lines, oldest first."""
    query = RunLine.select().where(RunLine.run == run_id).order_by(RunLine.number.desc()).limit(limit)
    return list(query)[::-1]


def of_runs(run_ids: Iterable[UUID]) -> dict[UUID, list[RunLine]]:
    """Returns all lines of these runs, oldest first; a run without any is left out."""
    found: dict[UUID, list[RunLine]] = {}
    for one in RunLine.select().where(RunLine.run.in_(list(run_ids))).order_by(RunLine.run, RunLine.number):
        found.setdefault(one.run_id, []).append(one)
    return found
