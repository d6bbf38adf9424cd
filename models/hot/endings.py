"""End attempts: read the facts for the decision under locks, and write all consequences together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.states import JobState
from models import changes, run_holds
from models.fields import read_json
from models.hot import of_database
from models.hot.rows import EndingJob, EndingRun, Ends, Locked

_OF_JOB = 23  # columns
Convert = Callable[[Any], Any]


def lock(job_ids: Collection[UUID], run_ids: Collection[UUID], *, patient: bool = True) -> Locked:
    """Share the gate of pauses, lock these jobs and those of these runs that are running, and return both.

    Jobs are locked first, then runs, each in the order of their ids. If `patient` is false, it waits for no lock: rows
    that others have locked are left out.
    """
    jobs: dict[UUID, EndingJob] = {}
    runs: dict[UUID, EndingRun] = {}
    uuid, instant = of_database().uuid, of_database().instant
    for row in of_database().lock_ended(job_ids, run_ids, patient=patient):
        job_id = uuid(row[0])
        if job_id not in jobs:
            jobs[job_id] = _job(job_id, row[:_OF_JOB], instant)
        if row[_OF_JOB] is not None:
            run_id = uuid(row[_OF_JOB])
            runs[run_id] = _run(run_id, job_id, row[_OF_JOB + 1 :], instant)
    return Locked(jobs, runs)


def write(ends: Ends, now: datetime) -> None:
    """Write the consequences of the ends of attempts at locked runs of locked jobs."""
    of_database().end(ends, now)
    if handed_back := [one.run_id for one in ends.runs if one.changes.get("held_by") is not None]:
        run_holds.begin(handed_back, now)
    jobs = [one["id"] for one in (*ends.jobs, *ends.maybe_over)]
    changes.note(jobs=jobs, runs=[*(one.run_id for one in ends.runs), *(run["id"] for run in ends.following)])


def _job(job_id: UUID, row: Sequence[Any], instant: Convert) -> EndingJob:
    _, version, account_id, queue, kind, schedule, priority, deadline_at, seconds, expire, state, *rest = row
    next_run_at, polling_state, polling_version, polls, created, deleted, reopened, failures, late, *names = rest
    a_run_waits, app_name, task_type = names
    return EndingJob(
        job_id,
        version,
        account_id,
        queue,
        kind,
        schedule,
        priority,
        instant(deadline_at),
        seconds,
        bool(expire),
        JobState(state),
        instant(next_run_at),
        read_json(polling_state, "polling_state"),
        polling_version,
        polls,
        instant(created),
        instant(deleted),
        instant(reopened),
        failures,
        instant(late),
        bool(a_run_waits),
        app_name,
        task_type,
    )


def _run(run_id: UUID, job_id: UUID, row: Sequence[Any], instant: Convert) -> EndingRun:
    queue, job_version, scheduled_for, failures, losses, fence, expire, *instants = row
    return EndingRun(
        run_id,
        job_id,
        queue,
        job_version,
        instant(scheduled_for),
        failures,
        losses,
        fence,
        bool(expire),
        *map(instant, instants),
    )
