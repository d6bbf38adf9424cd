"""Notes which jobs, runs and apps a transaction changes, and stores them as one row when it ends.

Every function of `models` that changes a row that is shown notes its id here, so no service can forget to.
`models.change_rows` reads the rows.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from models.set_based import chunks
from models.tables import Job, Run, db

MOST_IDS = 1_000
EVERY_APP = UUID(int=0)

# Each thread has a connection of its own, and so at most one transaction.
_this_thread = threading.local()


@dataclass
class _Noted:
    """The ids that the thread's transaction has noted so far."""

    jobs: set[UUID] = field(default_factory=set)
    runs: set[UUID] = field(default_factory=set)
    apps: set[UUID] = field(default_factory=set)


def note(*, jobs: Iterable[UUID] = (), runs: Iterable[UUID] = (), apps: Iterable[UUID] = ()) -> None:
    """Note what the open transaction changes. The job of a run that is noted need not be noted, too."""
    noted: _Noted = _this_thread.noted
    noted.jobs.update(jobs)
    noted.runs.update(runs)
    noted.apps.update(apps)


def update_runs(statement: Any) -> int:
    """Execute a statement that updates runs, and note which. Returns how many."""
    found = [run.id for run in statement.returning(Run.id).execute()]
    note(runs=found)
    return len(found)


@contextmanager
def collected() -> Iterator[None]:
    """Wrap a transaction: store what it notes as its last statement. Within another, what it notes is that one's."""
    if getattr(_this_thread, "noted", None) is not None:
        yield
        return
    _this_thread.noted = noted = _Noted()
    try:
        yield
        _store(noted)
    finally:
        _this_thread.noted = None


def _store(noted: _Noted) -> None:
    """Store what was noted; of more ids than a watcher could follow, only the apps that they belong to."""
    if len(noted.jobs) + len(noted.runs) > MOST_IDS:
        noted = _Noted(apps=noted.apps | _apps(noted))
    if noted.jobs or noted.runs or noted.apps:
        values = [_joined(ids) for ids in (noted.jobs, noted.runs, noted.apps)]
        db.execute_sql(_insert(db.param), values)


def _insert(mark: str) -> str:
    return f"INSERT INTO changes (jobs, runs, apps) VALUES ({mark}, {mark}, {mark})"  # noqa: S608  a mark


def _joined(ids: Collection[UUID]) -> bytes:
    return b"".join(one.bytes for one in ids)


def _apps(noted: _Noted) -> set[UUID]:
    of_jobs = [Job.select(Job.app).where(Job.id.in_(chunk)) for chunk in chunks(noted.jobs)]
    of_runs = [Job.select(Job.app).join(Run).where(Run.id.in_(chunk)) for chunk in chunks(noted.runs)]
    return {job.app_id for query in (*of_jobs, *of_runs) for job in query.distinct()}
