"""Decide the fate of runs whose instant has come, and carry it out, many at a time.

`judge` loads the facts, `core.due_runs` decides, `carry_out` writes it, one statement for all rows that change the
same columns. The caller has locked the jobs, in a transaction that shares the gate of pauses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from core import schedules
from core.attempt_endings import JOB_ENDED
from core.due_runs import DueRun, Fate, JobFacts, Verdict, decide
from core.policies import Overlap
from core.states import Hold, JobState, RunStatus
from models import jobs, overlap_queue, runs
from models.hot import due_rows
from models.hot.due_rows import Due, LockedJob
from services.scheduling import run_endings, stored_schedule

OVERLAP = "overlap"
PAUSED = "paused"
REPLACED = "replaced by a newer occurrence"

_HOLDS = {Fate.START: None, Fate.WAIT: Hold.OVERLAP, Fate.HOLD: Hold.PAUSED, Fate.GUARD: Hold.RESTORED}
_ENDS = {
    Fate.SKIP_OVERLAP: (RunStatus.SKIPPED, OVERLAP),
    Fate.SKIP_PAUSED: (RunStatus.SKIPPED, PAUSED),
    Fate.REPLACE: (RunStatus.CANCELLED, REPLACED),
    Fate.ORPHAN: (RunStatus.CANCELLED, JOB_ENDED),
}


def judge(due: Due) -> Verdict:
    """Decide about these locked runs, in the order of their instants."""
    due_runs = [DueRun(run.id, run.job_id, run.trigger, run.status) for run in due.runs]
    return decide(due_runs, _facts(due_runs, due.jobs))


def carry_out(verdict: Verdict, now: datetime) -> None:
    """Write a verdict."""
    overlap_queue.cancel_occurrences(verdict.replacing, REPLACED, now)
    runs.make_due({run_id: _HOLDS[fate] for run_id, fate in verdict.fates.items() if fate in _HOLDS}, now)
    runs.end_unstarted({run_id: _ENDS[fate] for run_id, fate in verdict.fates.items() if fate in _ENDS}, now)
    jobs.count_starts(verdict.starts)
    if verdict.spent or verdict.skipping:  # seldom: only then whole jobs are read
        locked = jobs.lock(verdict.spent | verdict.skipping).values()
        run_endings.end_schedules([job for job in locked if job.id in verdict.spent], now)
        skipping = [job for job in locked if job.id in verdict.skipping]
        run_endings.end_if_over([(job, JobState.COMPLETED) for job in skipping], now)


def _facts(due: Sequence[DueRun], locked: Mapping[UUID, LockedJob]) -> dict[UUID, JobFacts]:
    """Load the facts about the jobs of these runs; what matters only to occurrences is read only if one is due."""
    affected = {run.job_id: locked[run.job_id] for run in due}
    occurring = {
        run.job_id for run in due if run.begins_occurrence and schedules.is_recurring(locked[run.job_id].schedule_kind)
    }
    going = due_rows.going(occurring)
    waiting = overlap_queue.have_waiting_occurrence(going)
    replacing = [job_id for job_id in going if locked[job_id].overlap is Overlap.CANCEL_PREVIOUS]
    counted = Counter(run.job_id for run in overlap_queue.lock_counted(replacing))
    outlasting = overlap_queue.outlasting(replacing)
    return {
        job.id: JobFacts(
            state=job.state,
            recurs=schedules.is_recurring(job.schedule_kind),
            overlap=job.overlap,
            paused=_is_paused(job),
            restored=job.is_restored and not _is_paused(job),
            going=job.id in going,
            one_waits=job.id in waiting,
            outlasting=job.id in outlasting,
            counted=counted[job.id],
            runs_started=job.runs_started,
            max_runs=stored_schedule.max_runs(job.schedule) if job.id in occurring else None,
        )
        for job in affected.values()
    }


def _is_paused(job: LockedJob) -> bool:
    return job.state is JobState.PAUSED or job.is_paused
