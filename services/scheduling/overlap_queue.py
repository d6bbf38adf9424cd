"""Give turns: a run that waits for another run of its job starts when that has ended.

`give` loads the facts, `core.overlap_queue` decides, `_carry_out` writes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from core.overlap_queue import JobFacts, Turns, WaitingRun, give_turns
from core.policies import Overlap
from core.states import RunStatus
from models import database, jobs, overlap_queue, pauses, runs
from models.tables import Job, Run
from services.runtime.batching import Pass, free_in_parts
from services.scheduling import run_endings, stored_schedule
from services.system import System

BATCH = 500
_SPENT = (RunStatus.CANCELLED, "the schedule has had its max_runs")


def give_all(system: System) -> int:
    """Give turns to waiting runs of all jobs that have no other run going. Returns how many.

    Jobs that others have locked are passed over until the next call.
    """
    with database.reading():
        ready = overlap_queue.ready_jobs(BATCH)
    return free_in_parts(partial(_give_some, system), ready).count if ready else 0


def _give_some(system: System, job_ids: Sequence[UUID], *, waits_for_locks: bool) -> Pass[UUID]:
    """Give turns to waiting runs of these jobs; without `waits_for_locks`, of those that nobody has locked."""
    with system.transaction() as unit:
        locked, passed_over = jobs.lock_briefly(job_ids, waits_for_locks=waits_for_locks)
        taken = give(system, locked)
        unit.ring(taken)
    return Pass(len(taken), {job_id: [job_id] for job_id in passed_over})


def give(system: System, locked: Mapping[UUID, Job]) -> list[Run]:
    """Give the longest waiting run of each of these locked jobs its turn, if no other run of the job is going.

    If a job's runs may overlap by now, all of them get their turn. Returns the runs whose turn it is; the caller rings.
    Call it in a transaction that shares the gate of pauses.
    """
    overlapping = [job.id for job in locked.values() if job.overlap is Overlap.ALLOW]
    waiting = overlap_queue.lock_next(locked, overlapping)
    if not waiting:
        return []
    queue = [WaitingRun(run.id, run.job_id, run.trigger) for run in waiting]
    turns = give_turns(queue, _facts({run.job_id: locked[run.job_id] for run in waiting}))
    given = [run for run in waiting if run.id in turns.given]
    _carry_out(turns, given, locked, system.clock.now())
    return given


def _facts(affected: Mapping[UUID, Job]) -> dict[UUID, JobFacts]:
    busy = overlap_queue.busy(affected)
    holds = pauses.holds(affected.values())
    return {
        job.id: JobFacts(
            busy=job.id in busy,
            overlaps=job.overlap is Overlap.ALLOW,
            hold=holds.get(job.id),
            runs_started=job.runs_started,
            max_runs=stored_schedule.max_runs_of(job),
        )
        for job in affected.values()
    }


def _carry_out(turns: Turns, given: Sequence[Run], locked: Mapping[UUID, Job], now: datetime) -> None:
    """Write the decision; a schedule that has used up its `max_runs` ends."""
    runs.end_unstarted(dict.fromkeys(turns.refused, _SPENT), now)
    overlap_queue.leave([(run, turns.given[run.id]) for run in given], now)
    jobs.count_starts(turns.starts)
    run_endings.end_schedules([job for job in locked.values() if job.id in turns.spent], now)
