"""Fills a database by COPY with clones of what the services themselves have stored."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import uuid_utils
from psycopg2 import extensions

from bench.cloning import Original, copy, groups, original
from bench.growth.system import job
from bench.servers import Place
from core.principals import LOCAL
from core.schedules import Immediate, Interval, RunAt
from services.execution import claiming, recording, workers
from services.execution.work import Succeeded
from services.jobs import creating
from services.messaging.broker import RUNS_HTTP
from services.system import System

RUNS_OF_A_JOB = 10
RECURRING = 1_000
BRANCHES = 100
"""Of which titles tell: one of so many jobs has the title that a search is for."""
_GROUP = 20_000
_INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = current_schema() AND tablename IN ('jobs', 'runs', 'attempts') AND indexname NOT IN (
        SELECT conname FROM pg_constraint)
"""
_DAYS_KEPT = 29.0
_FAILED_SHARE = 0.01


@dataclass(frozen=True)
class Amounts:
    """How many runs have ended, are queued, and are to come."""

    ended: int
    queued: int
    future: int

    @property
    def name(self) -> str:
        """The amounts, for a table."""
        return f"{self.ended:,} ended, {self.queued:,} queued, {self.future:,} to come"


def fill(place: Place, system: System, amounts: Amounts) -> UUID:
    """Fill an empty database. Returns a job that has ended runs."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    ended = _ended(system)
    queued = creating.create(LOCAL, system, job(Immediate()))
    future = creating.create(LOCAL, system, job(RunAt(tomorrow)))
    recurring = creating.create(LOCAL, system, job(Interval(every_seconds=60)))
    with _copying(), place.connection() as connection, connection.cursor() as cursor:
        with _without_indexes(cursor):
            _clone_ended(cursor, str(ended), amounts.ended)
            _clone_each(cursor, str(queued), amounts.queued)
            _clone_each(cursor, str(future), amounts.future)
            _clone_each(cursor, str(recurring), RECURRING, with_runs=False)
        cursor.execute("VACUUM ANALYZE")
    return ended


@contextmanager
def _copying() -> Iterator[None]:
    """Take away the callback by which the models limit statements: psycopg2 refuses to COPY beside it."""
    callback = extensions.get_wait_callback()
    extensions.set_wait_callback(None)
    try:
        yield
    finally:
        extensions.set_wait_callback(callback)


@contextmanager
def _without_indexes(cursor: Any) -> Iterator[None]:
    """Drop the indexes of what is filled, make them again after the block; check no reference meanwhile."""
    cursor.execute(_INDEXES)
    found = cursor.fetchall()
    cursor.execute("SET session_replication_role = replica")
    for name, _ in found:
        cursor.execute(f"DROP INDEX {name}")
    yield
    cursor.execute("SET maintenance_work_mem = '256MB'")
    for _, definition in found:
        cursor.execute(definition)
    cursor.execute("SET session_replication_role = DEFAULT")


def _ended(system: System) -> UUID:
    """Run a job to its end. Returns its id."""
    job_id = creating.create(LOCAL, system, job(Immediate()))
    worker = workers.register(system)
    [work] = claiming.claim(system, worker, RUNS_HTTP, 1)
    recording.record(system, [(work, Succeeded(200, '{"status": "success"}'))])
    return job_id


def _clone_each(cursor: Any, job_id: str, count: int, *, with_runs: bool = True) -> None:
    row = original(cursor, "jobs", "id", job_id)
    run = original(cursor, "runs", "job_id", job_id) if with_runs else None
    for size in groups(count, _GROUP):
        ids = [_new_id() for _ in range(size)]
        copy(cursor, row, [row.clone(id=one) for one in ids])
        if run is not None:
            copy(cursor, run, [run.clone(id=_new_id(), job_id=one) for one in ids])


def _clone_ended(cursor: Any, job_id: str, count: int) -> None:
    """Store ended runs with their attempts, ten for each job, spread over the days that are kept."""
    row, run = original(cursor, "jobs", "id", job_id), original(cursor, "runs", "job_id", job_id)
    attempt = original(cursor, "attempts", "run_id", run.values[run.columns.index("id")])
    draws = random.Random(1)
    for size in groups(count, _GROUP):
        ids = [_new_id() for _ in range(size // RUNS_OF_A_JOB or 1)]
        copy(cursor, row, [row.clone(id=one, **_title(draws.randrange(count))) for one in ids])
        runs = [_ended_run(draws, ids[place % len(ids)]) for place in range(size)]
        copy(cursor, run, [run.clone(**one) for one in runs])
        copy(cursor, attempt, [_its_attempt(attempt, one) for one in runs])


def _title(number: int) -> dict[str, str]:
    """A title and what a search looks through, as COPY reads a line break."""
    title = f"Report {number} of branch {number % BRANCHES}"
    return {"title": title, "search_text": rf"\n{title.lower()}"}


def _ended_run(draws: random.Random, job_id: str) -> dict[str, str]:
    finished = datetime.now(UTC) - timedelta(days=draws.uniform(0, _DAYS_KEPT))
    at = finished.isoformat()
    failed = {"status": "failed", "error_type": "transient", "error_message": "The receiver answered 500."}
    times = {"finished_at": at, "started_at": at, "due_at": at, "scheduled_for": at, "created_at": at}
    return {"id": _new_id(), "job_id": job_id, **times, **(failed if draws.random() < _FAILED_SHARE else {})}


def _its_attempt(attempt: Original, run: Mapping[str, str]) -> str:
    return attempt.clone(run_id=run["id"], started_at=run["started_at"], finished_at=run["finished_at"])


def _new_id() -> str:
    return str(uuid_utils.uuid7())
