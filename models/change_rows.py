"""Queries on the rows of changes: how far they go now, which came after a snapshot, which are too old to keep."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
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
# Rows restored from a dump have the numbers of another server's transactions: ignore them.
_OF_HERE = "number < pg_snapshot_xmax(pg_current_snapshot())::TEXT::BIGINT"
_SINCE = f"SELECT jobs, runs, apps FROM changes WHERE (number >= %s OR number = ANY (%s)) AND {_OF_HERE}"  # noqa: S608
_SQLITE_SINCE = "SELECT jobs, runs, apps FROM changes WHERE number >= ?"
_NEWEST = """
    SELECT number, jobs, runs, apps, older FROM (
        SELECT number, jobs, runs, apps, LEAD(number) OVER (ORDER BY number DESC) AS older,
            SUM(LENGTH(jobs) + LENGTH(runs) + LENGTH(apps)) OVER (ORDER BY number DESC) AS size
        FROM (SELECT * FROM changes WHERE {condition} ORDER BY number DESC LIMIT {mark}) AS newest) AS sized
    WHERE size <= {mark} OR size = LENGTH(jobs) + LENGTH(runs) + LENGTH(apps) ORDER BY number DESC
"""
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
    """The ids of jobs, runs and apps that were changed."""

    jobs: frozenset[UUID]
    runs: frozenset[UUID]
    apps: frozenset[UUID]

    @classmethod
    def of(cls, some: Iterable[Changed]) -> Changed:
        """Returns the union of these changes."""
        found = [(one.jobs, one.runs, one.apps) for one in some]
        return cls(*(frozenset().union(*column) for column in zip(*found, strict=True))) if found else _NOTHING


_NOTHING = Changed(frozenset(), frozenset(), frozenset())


@dataclass(frozen=True)
class ChangeRow:
    """The changes of the transaction with this number."""

    number: int
    changed: Changed


@dataclass(frozen=True)
class WhoseJob:
    """The owner and the app of a job, deleted or not."""

    id: UUID
    app_id: UUID
    app_name: str
    account_id: str
    owner_id: UUID | None
    deleted_at: datetime | None


def now() -> Cursor:
    """Returns the snapshot of the caller's transaction."""
    if is_sqlite():
        epoch, instant, end = db.execute_sql(_SQLITE_NOW).fetchone()
        taken_at = sqlite_instant(instant)
        assert taken_at is not None  # noqa: S101  SQLite's clock always tells
        return Cursor(epoch, taken_at, Snapshot(end))
    epoch, taken_at, text = db.execute_sql(_NOW).fetchone()
    return Cursor(epoch, taken_at, Snapshot.parsed(text))


def since(seen: Snapshot) -> Changed:
    """Returns the changes of transactions that the caller's transaction sees but an earlier snapshot did not."""
    if is_sqlite():
        rows = db.execute_sql(_SQLITE_SINCE, [seen.end]).fetchall()
    else:
        rows = db.execute_sql(_SINCE, [seen.end, list(seen.open)]).fetchall()
    return Changed(*(frozenset(_ids(row[column] for row in rows)) for column in range(3)))


def newest(first: int, most: int, most_bytes: int) -> tuple[list[ChangeRow], int]:
    """Returns the newest rows from a number on, newest first, and the number from which on they are complete."""
    mark, of_here = ("?", "") if is_sqlite() else ("%s", f" AND {_OF_HERE}")
    return _newest(f"number >= {mark}{of_here}", first, most, most_bytes, whole_from=first)


def newest_of(numbers: Collection[int], most: int, most_bytes: int) -> tuple[list[ChangeRow], int]:
    """Returns the newest rows of these numbers, as `newest` does. SQLite, with one writer, asks for none."""
    if not numbers:
        return [], 0
    return _newest(f"number = ANY (%s) AND {_OF_HERE}", list(numbers), most, most_bytes, whole_from=0)


def _newest(condition: str, given: Any, most: int, most_bytes: int, *, whole_from: int) -> tuple[list[ChangeRow], int]:
    text = _NEWEST.format(condition=condition, mark="?" if is_sqlite() else "%s")
    rows = db.execute_sql(text, [given, most + 1, most_bytes]).fetchall()[:most]
    found = [ChangeRow(number, Changed(*(frozenset(_ids([one])) for one in ids))) for number, *ids, _ in rows]
    older = rows[-1][-1] if rows else None  # the number of the row that is left out
    return found, whole_from if older is None else older + 1


def jobs_of_runs(run_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Returns the job of each of these runs that exists."""
    found: dict[UUID, UUID] = {}
    for chunk in chunks(run_ids):
        query: Any = Run.select(Run.id, Run.job).where(Run.id.in_(chunk))
        found.update(query.tuples())
    return found


def whose(job_ids: Iterable[UUID]) -> dict[UUID, WhoseJob]:
    """Returns the owners and apps of these jobs, deleted ones included."""
    columns = (Job.id, Job.app, App.name, Job.account_id, Job.owner_id, Job.deleted_at)
    found: list[WhoseJob] = []
    for chunk in chunks(job_ids):
        query: Any = Job.select(*columns).join(App).where(Job.id.in_(chunk))
        found += (WhoseJob(*row) for row in query.tuples())
    return {job.id: job for job in found}


def prune(limit: int) -> int:
    """Delete rows that are too old, among the oldest `limit` ones. Returns how many."""
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
