"""Notes which jobs, runs and apps a transaction changes, and stores them as one row when it is committed.

Every function of `models` that changes a shown row notes its id here, so that no service can forget it.
`models.change_rows` reads the rows.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import peewee

from models.set_based import chunks
from models.tables import Job, Run, db

MAX_IDS = 1_000
EVERY_APP = UUID(int=0)

_INSERT = "INSERT INTO changes (jobs, runs, apps) VALUES (%s, %s, %s)"
_SQLITE_INSERT = "INSERT INTO changes (jobs, runs, apps) VALUES (?, ?, ?)"

# Each thread has a connection of its own, and so at most one transaction.
_this_thread = threading.local()


@dataclass
class _Noted:
    """The ids that the thread's transaction has noted so far."""

    jobs: set[UUID] = field(default_factory=set)
    runs: set[UUID] = field(default_factory=set)
    apps: set[UUID] = field(default_factory=set)


def note(*, jobs: Iterable[UUID] = (), runs: Iterable[UUID] = (), apps: Iterable[UUID] = ()) -> None:
    """Note what the open transaction changes. The job of a noted run need not be noted as well."""
    noted: _Noted = _this_thread.noted
    noted.jobs.update(jobs)
    noted.runs.update(runs)
    noted.apps.update(apps)


def update_runs(statement: Any) -> int:
    """Execute a statement that updates runs, and note which. Returns how many."""
    return len(update_runs_returning_ids(statement))


def update_runs_returning_ids(statement: Any) -> list[UUID]:
    """Execute a statement that updates runs, and note which. Returns their ids."""
    found = [run.id for run in statement.returning(Run.id).execute()]
    note(runs=found)
    return found


@contextmanager
def collected() -> Iterator[None]:
    """Wrap a transaction, and store its row just before the commit; within another, ids are noted for the outermost."""
    if getattr(_this_thread, "noted", None) is not None:
        yield
        return
    _this_thread.noted = noted = _Noted()
    _this_thread.row = None
    try:
        yield
        _store(noted)
    finally:
        _this_thread.noted = None


def _store(noted: _Noted) -> None:
    """Store the noted ids; if there are more than a watcher could follow, only the apps that they belong to."""
    if len(noted.jobs) + len(noted.runs) > MAX_IDS:
        noted = _Noted(apps=noted.apps | _apps(noted))
    if noted.jobs or noted.runs or noted.apps:
        row = [_joined(ids) for ids in (noted.jobs, noted.runs, noted.apps)]
        if isinstance(db.obj, peewee.SqliteDatabase):
            db.execute_sql(_SQLITE_INSERT, row)
        else:
            _this_thread.row = row


def with_commit() -> tuple[str, Sequence[bytes]]:
    """Returns the text that commits, with its parameters; it includes the row, so that this costs no round trip."""
    row: Sequence[bytes] | None = getattr(_this_thread, "row", None)
    _this_thread.row = None
    return ("COMMIT", ()) if row is None else (f"{_INSERT}; COMMIT", row)


def _joined(ids: Collection[UUID]) -> bytes:
    return b"".join(one.bytes for one in ids)


def _apps(noted: _Noted) -> set[UUID]:
    of_jobs = [Job.select(Job.app).where(Job.id.in_(chunk)) for chunk in chunks(noted.jobs)]
    of_runs = [Job.select(Job.app).join(Run).where(Run.id.in_(chunk)) for chunk in chunks(noted.runs)]
    return {job.app_id for query in (*of_jobs, *of_runs) for job in query.distinct()}
