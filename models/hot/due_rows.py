"""Read the facts that decide about runs whose instant has come, under the locks of their jobs."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from core.policies import Overlap
from core.states import JobState, RunStatus, Trigger
from models import filtering
from models.database import is_sqlite
from models.hot import of_database
from models.tables import db


class LockedJob(NamedTuple):
    """The columns of a job that decide about its due runs, and whether its app, or everything, is held."""

    id: UUID
    app_name: str
    state: JobState
    schedule_kind: str
    schedule: str  # as it is stored
    overlap: Overlap
    runs_started: int
    is_paused: bool  # with its app, or with everything
    is_restored: bool


class LockedRun(NamedTuple):
    """The columns of a run that waits for its instant."""

    id: UUID
    job_id: UUID
    account_id: str
    queue: str
    trigger: Trigger
    status: RunStatus


@dataclass(frozen=True)
class Due:
    """Locked runs, in the order of their instants, with their locked jobs; and whether any key holds runs.

    Runs that were passed over, since others have locked their job, are listed by job.
    """

    jobs: Mapping[UUID, LockedJob]
    runs: Sequence[LockedRun]
    keys_hold: bool
    passed_over: Mapping[UUID, Sequence[UUID]]


def lock(run_ids: Collection[UUID], due_by: datetime, *, waits_for_locks: bool) -> Due:
    """Lock the jobs of these runs, then the runs, if they wait for an instant that has come. Returns both.

    Unless it `waits_for_locks`, it passes over the runs whose jobs others have locked. The caller shares the gate of
    pauses.
    """
    ids, at = of_database().ids(run_ids), of_database().as_stored(due_by)
    jobs = {job.id: job for job in map(_job, _rows(partial(_lock_jobs, waits_for_locks=waits_for_locks), ids))}
    of_jobs = of_database().ids(jobs)
    rows = list(_rows(_lock_runs, ids, of_jobs, at))
    some_are_missing = not waits_for_locks and len(rows) < len(run_ids)  # these, or they wait no more
    passed_over = _by_job(_rows(_of_others, ids, of_jobs, at)) if some_are_missing else {}
    return Due(jobs, [_run(row[1:]) for row in rows], any(row[0] for row in rows), passed_over)


def going(job_ids: Collection[UUID]) -> set[UUID]:
    """Returns which of these jobs have a run that is due, running, or waiting for a retry."""
    if not job_ids:
        return set()
    uuid = of_database().uuid
    return {uuid(job_id) for (job_id,) in _rows(_going, of_database().ids(job_ids))}


def _rows(statement: Any, *parameters: Any) -> Any:
    return db.execute_sql(statement(on_sqlite=is_sqlite()), parameters).fetchall()


@functools.cache
def _lock_jobs(*, on_sqlite: bool, waits_for_locks: bool) -> str:
    free_ones = "" if waits_for_locks else " SKIP LOCKED"
    return f"""
        SELECT j.id, a.name, j.state, j.schedule_kind, j.schedule, j.overlap, j.runs_started,
            a.paused_at IS NOT NULL OR i.paused_at IS NOT NULL, a.restored_at IS NOT NULL
        FROM jobs j JOIN apps a ON a.id = j.app_id, installation i
        WHERE i.id = 1 AND j.id IN (SELECT r.job_id FROM runs r WHERE r.id {of_database().AMONG})
        ORDER BY j.id{"" if on_sqlite else f" FOR NO KEY UPDATE OF j{free_ones}"}"""  # noqa: S608  nothing that is given


@functools.cache
def _lock_runs(*, on_sqlite: bool) -> str:
    return f"""
        SELECT EXISTS (SELECT 1 FROM held_keys), r.id, r.job_id, r.account_id, r.queue, r.trigger, r.status
        FROM runs r
        WHERE r.id {of_database().AMONG} AND r.job_id {of_database().AMONG} AND {_waits()}
        ORDER BY r.due_at, r.id{"" if on_sqlite else " FOR NO KEY UPDATE OF r"}"""  # noqa: S608  nothing that is given


@functools.cache
def _of_others(*, on_sqlite: bool) -> str:  # noqa: ARG001  the parts say it
    among = of_database().AMONG
    return f"SELECT r.job_id, r.id FROM runs r WHERE r.id {among} AND NOT (r.job_id {among}) AND {_waits()}"  # noqa: S608  nothing that is given


def _waits() -> str:
    return f"r.status IN ('pending', 'retrying') AND r.due_at <= {of_database().MARK}"


@functools.cache
def _going(*, on_sqlite: bool) -> str:  # noqa: ARG001  the parts say it
    return f"""
        SELECT DISTINCT job_id FROM runs
        WHERE job_id {of_database().AMONG} AND {filtering.LIVE.sql} AND status <> 'pending'"""  # noqa: S608  nothing that is given


def _by_job(rows: Iterable[Sequence[Any]]) -> dict[UUID, list[UUID]]:
    uuid = of_database().uuid
    by_job: dict[UUID, list[UUID]] = defaultdict(list)
    for job_id, run_id in rows:
        by_job[uuid(job_id)].append(uuid(run_id))
    return by_job


def _job(row: Sequence[Any]) -> LockedJob:
    job_id, app_name, state, kind, schedule, overlap, runs_started, *held = row
    return LockedJob(
        of_database().uuid(job_id),
        app_name,
        JobState(state),
        kind,
        schedule,
        Overlap(overlap),
        runs_started,
        *map(bool, held),
    )


def _run(row: Sequence[Any]) -> LockedRun:
    run_id, job_id, account_id, queue, trigger, status = row
    uuid = of_database().uuid
    return LockedRun(uuid(run_id), uuid(job_id), account_id, queue, Trigger(trigger), RunStatus(status))
