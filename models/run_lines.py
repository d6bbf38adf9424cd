"""Queries on the lines that receivers log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from models import changes
from models.set_based import chunks
from models.tables import RunLine


def add(run_id: UUID, attempt: int, lines: Sequence[str], now: datetime, keep: int) -> int:
    """Add lines to a locked run, and delete all but its newest so many. Returns the number of the last line."""
    query: Any = RunLine.select(peewee.fn.MAX(RunLine.number)).where(RunLine.run == run_id)
    last = query.scalar() or 0
    rows = [(run_id, last + place, attempt, now, text) for place, text in enumerate(lines, start=1)]
    columns: Any = (RunLine.run, RunLine.number, RunLine.attempt, RunLine.logged_at, RunLine.text)
    for chunk in chunks(rows):
        RunLine.insert_many(chunk, fields=columns).execute()
    number = int(last) + len(rows)
    RunLine.delete().where(RunLine.run == run_id, RunLine.number <= number - keep).execute()
    changes.note(runs=[run_id])
    return number


def newest(run_id: UUID, limit: int) -> list[RunLine]:
    """Returns a run's newest lines, oldest first."""
    query = RunLine.select().where(RunLine.run == run_id).order_by(RunLine.number.desc()).limit(limit)
    return list(query)[::-1]
