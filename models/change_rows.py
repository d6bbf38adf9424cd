"""Queries on the rows of changes: how far they go now, which came after a snapshot, which are too old to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.cursors import KEPT, Cursor, Snapshot
from models.database import is_sqlite
from models.fields import sqlite_instant
from models.set_based import chunks
from models.tables import App, Job, Run, db

_NOW = "SELECT epoch, clock_timestamp(), pg_current_snapshot()::TEXT FROM installation WHERE id = 1"
_SQLITE_NOW = """
    SELECT epoch, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
        COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0) + 1
    FROM installation WHERE id = 1
"""
# Rows that came with a dump have numbers that no transaction here has had: they say nothing.
_OF_HERE = "number < pg_snapshot_xmax(pg_current_snapshot())::TEXT::BIGINT"
_SINCE = f"SELECT jobs, runs, apps FROM changes WHERE (number >= %s OR number = ANY (%s)) AND {_OF_HERE}"  # noqa: S608
_SQLITE_SINCE = "SELECT jobs, runs, apps FROM changes WHERE number >= ?"
_PRUNE = f"""
    DELETE FROM changes WHERE NOT {_OF_HERE} OR (
        written_at < clock_timestamp() - %s AND number IN (SELECT number FROM changes ORDER BY number LIMIT %s))
"""  # noqa: S608  a condition of our own
_SQLITE_PRUNE = """
    DELETE FROM changes WHERE written_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?)
        AND number IN (SELECT number FROM changes ORDER BY number LIMIT ?)
"""
_ID_BYTES = 16


@dataclass(frozen=True)
class Changed:
    """Ids of what was changed."""

    jobs: frozenset[UUID]
    runs: frozenset[UUID]
    apps: frozenset[UUID]


@dataclass(frozen=True)
class WhoseJob:
    """Whose a job is, deleted or not, and of which app."""

    id: UUID
    app_id: UUID
    app_name: str
    account_id: str
    owner_id: UUID | None
    deleted_at: datetime | None


def now() -> Cursor:
    """Returns how far the caller's transaction sees."""
    if is_sqlite():
        epoch, instant, end = db.execute_sql(_SQLITE_NOW).fetchone()
        taken_at = sqlite_instant(instant)
        assert taken_at is not None  # noqa: S101  SQLite's clock always tells
        return Cursor(epoch, taken_at, Snapshot(end))
    epoch, taken_at, text = db.execute_sql(_NOW).fetchone()
    return Cursor(epoch, taken_at, Snapshot.parsed(text))


def since(seen: Snapshot) -> Changed:
    """Returns what was changed by the transactions that the caller's sees and an earlier snapshot did not."""
    if is_sqlite():
        rows = db.execute_sql(_SQLITE_SINCE, [seen.end]).fetchall()
    else:
        rows = db.execute_sql(_SINCE, [seen.end, list(seen.open)]).fetchall()
    return Changed(*(frozenset(_ids(row[column] for row in rows)) for column in range(3)))


def jobs_of_runs(run_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Returns the job of each of these runs that exists."""
    found: dict[UUID, UUID] = {}
    for chunk in chunks(run_ids):
        query: Any = Run.select(Run.id, Run.job).where(Run.id.in_(chunk))
        found.update(query.tuples())
    return found


def whose(job_ids: Iterable[UUID]) -> dict[UUID, WhoseJob]:
    """Returns whose these jobs are, deleted ones included."""
    columns = (Job.id, Job.app, App.name, Job.account_id, Job.owner_id, Job.deleted_at)
    found: list[WhoseJob] = []
    for chunk in chunks(job_ids):
        query: Any = Job.select(*columns).join(App).where(Job.id.in_(chunk))
        found += (WhoseJob(*row) for row in query.tuples())
    return {job.id: job for job in found}


def prune(limit: int) -> int:
    """Delete rows that are too old to be kept, of the oldest `limit` ones. Returns how many."""
    query: Any
    if is_sqlite():
        query = db.execute_sql(_SQLITE_PRUNE, [f"-{KEPT.total_seconds():.0f} seconds", limit])
    else:
        query = db.execute_sql(_PRUNE, [KEPT, limit])
    return int(query.rowcount)


def _ids(columns: Iterable[Any]) -> Iterator[UUID]:
    for column in columns:
        joined = bytes(column)
        for start in range(0, len(joined), _ID_BYTES):
            yield UUID(bytes=joined[start : start + _ID_BYTES])
