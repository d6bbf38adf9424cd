"""End attempts: read the facts for the decision under locks, and write all consequences together."""

from __future__ import annotations

import functools
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from core.states import JobState
from models import changes, run_holds
from models.hot import of_database
from models.hot.conversions import Conversions, Convert, as_json, converted, of_columns
from models.hot.rows import EndingJob, EndingRun, EndRows, Locked
from models.hot.statements import HotStatements

_OF_JOB = len(EndingJob._fields)  # columns; those of the run, if there is one, follow
_OF_RUN = EndingRun._fields[1:]  # the first is the job's


def lock(job_ids: Collection[UUID], run_ids: Collection[UUID], *, waits_for_locks: bool = True) -> Locked:
    """Share the gate of pauses, lock these jobs and those of these runs that are running, and return both.

    Jobs are locked first, then runs, each in the order of their ids. If not `waits_for_locks`, rows
    that others have locked are left out.
    """
    jobs: dict[UUID, EndingJob] = {}
    runs: dict[UUID, EndingRun] = {}
    statements = of_database()
    of_job, of_run = _conversions(statements)
    for row in statements.lock_ended(job_ids, run_ids, waits_for_locks=waits_for_locks):
        job_id = statements.uuid(row[0])
        if job_id not in jobs:
            jobs[job_id] = EndingJob._make((job_id, *converted(row[1:_OF_JOB], of_job)))
        if row[_OF_JOB] is not None:
            run = EndingRun._make((job_id, *converted(row[_OF_JOB:], of_run)))
            runs[run.id] = run
    return Locked(jobs, runs)


@functools.cache
def _conversions(statements: HotStatements) -> tuple[Conversions, Conversions]:
    instant = statements.instant
    of_job: dict[str, Convert] = {
        "deadline_at": instant,
        "expire": bool,
        "state": JobState,
        "next_run_at": instant,
        **as_json("polling_state"),
        "created_at": instant,
        "deleted_at": instant,
        "reopened_at": instant,
        "late_since": instant,
        "a_run_waits": bool,
    }
    instants = ("scheduled_for", *_OF_RUN[_OF_RUN.index("deadline_at") :])
    of_run: dict[str, Convert] = {"id": statements.uuid, "expire": bool, **dict.fromkeys(instants, instant)}
    return of_columns(EndingJob._fields[1:], of_job), of_columns(_OF_RUN, of_run)


def write(ends: EndRows, now: datetime) -> None:
    """Write the consequences of the ends of attempts at locked runs of locked jobs."""
    of_database().end(ends, now)
    if handed_back := [one.run_id for one in ends.runs if one.changes.get("held_by") is not None]:
        run_holds.begin(handed_back, now)
    jobs = [one["id"] for one in (*ends.jobs, *ends.maybe_over)]
    changes.note(jobs=jobs, runs=[*(one.run_id for one in ends.runs), *(run["id"] for run in ends.following)])
