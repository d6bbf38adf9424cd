"""Admission: what becomes of runs whose instant has come. Decided for each in turn, then carried out together.

The jobs are locked by the caller, in a transaction that shares the gate of pauses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core.policies import Admission, Overlap, admit
from core.schedules import RECURRING_KINDS
from core.states import ENDED, Hold, JobState, RunStatus, Trigger
from models import jobs, overlap_queue, pauses, runs
from models.tables import Job, Run
from services.scheduling import run_endings, stored_schedule

OVERLAP = "overlap"
PAUSED = "paused"
REPLACED = "replaced by a newer occurrence"


@dataclass
class Verdict:
    """What becomes of the runs whose instant has come."""

    queued: list[Run] = field(default_factory=list)
    waiting: list[Run] = field(default_factory=list)
    held: list[Run] = field(default_factory=list)
    skipped_overlap: list[Run] = field(default_factory=list)
    skipped_paused: list[Run] = field(default_factory=list)
    replaced: list[Run] = field(default_factory=list)
    orphaned: list[Run] = field(default_factory=list)
    cancelled_jobs: set[UUID] = field(default_factory=set)  # the occurrences these have going give way
    given_back: Counter[UUID] = field(default_factory=Counter)  # starts counted earlier, replaced before they began
    spent: dict[UUID, Job] = field(default_factory=dict)


def judge(due: Sequence[Run], locked: dict[UUID, Job]) -> Verdict:
    """Decide about these runs, in the order of their instants: pause first, then overlap, then `max_runs`."""
    judging = _Judging(due, locked)
    for run in due:
        judging.decide(run, locked[run.job_id])
    return judging.verdict


def carry_out(verdict: Verdict, locked: dict[UUID, Job], now: datetime) -> None:
    """Write what was decided."""
    overlap_queue.cancel_occurrences(verdict.cancelled_jobs, REPLACED, now)
    runs.make_queued(_ids(verdict.queued), None)
    runs.make_queued(_ids(verdict.waiting), Hold.OVERLAP)
    runs.make_queued(_ids(verdict.held), Hold.PAUSED)
    runs.make_skipped(_ids(verdict.skipped_overlap), OVERLAP, now)
    runs.make_skipped(_ids(verdict.skipped_paused), PAUSED, now)
    runs.make_cancelled(_ids(verdict.replaced), REPLACED, now)
    runs.make_cancelled(_ids(verdict.orphaned), "job ended", now)
    jobs.count_starts([locked[run.job_id] for run in verdict.queued if is_occurrence(run, locked[run.job_id])])
    jobs.give_back(verdict.given_back)
    run_endings.end_schedules(list(verdict.spent.values()), now)
    if verdict.skipped_overlap or verdict.skipped_paused:
        recurring = [job for job in locked.values() if job.schedule_kind in RECURRING_KINDS]
        run_endings.end_if_over(((job, JobState.COMPLETED) for job in recurring), now)


def is_occurrence(run: Run, job: Job) -> bool:
    """Whether a run is for an instant that the schedule of a job that comes back named, and has not begun."""
    return job.schedule_kind in RECURRING_KINDS and run.trigger == Trigger.SCHEDULE and run.status == RunStatus.PENDING


class _Judging:
    """What is known while one run after the other is decided about."""

    def __init__(self, due: Sequence[Run], locked: dict[UUID, Job]) -> None:
        self.verdict = Verdict()
        occurring = {run.job_id for run in due if is_occurrence(run, locked[run.job_id])}
        going = jobs.going(occurring)
        self._paused = pauses.paused([locked[run.job_id] for run in due])
        self._going = {job_id for job_id, statuses in going.items() if statuses}
        replacing = [job_id for job_id in self._going if _replaces(locked[job_id])]
        self._counted = Counter(run.job_id for run in overlap_queue.lock_counted(replacing))
        self._outlasting = overlap_queue.outlasting(replacing)
        waiting = overlap_queue.waiting_for_turn(self._going)
        self._waits = {run.job_id for run in waiting if run.trigger == Trigger.SCHEDULE}

    def decide(self, run: Run, job: Job) -> None:
        """Decide about one run."""
        if job.state in ENDED:
            self.verdict.orphaned.append(run)
        elif job.id in self.verdict.cancelled_jobs and run.status == RunStatus.RETRYING and _gives_way(run):
            self.verdict.replaced.append(run)
        elif is_occurrence(run, job):
            self._decide_occurrence(run, job)
        elif job.id in self._paused:
            self.verdict.held.append(run)
        else:
            self._start(run, job)

    def _decide_occurrence(self, run: Run, job: Job) -> None:
        if job.id in self._paused:
            self.verdict.skipped_paused.append(run)
        elif not stored_schedule.is_spent(job):
            self._admit(run, job)
        if stored_schedule.is_spent(job):
            self.verdict.spent[job.id] = job

    def _admit(self, run: Run, job: Job) -> None:
        match admit(Overlap(job.overlap), going=job.id in self._going, one_waits=job.id in self._waits):
            case Admission.START:
                self._start(run, job)
                job.runs_started += 1
            case Admission.SKIP:
                self.verdict.skipped_overlap.append(run)
            case Admission.WAIT:
                self._wait(run, job)
            case Admission.REPLACE:
                self._replace(run, job)

    def _start(self, run: Run, job: Job) -> None:
        self.verdict.queued.append(run)
        self._going.add(job.id)

    def _wait(self, run: Run, job: Job) -> None:
        self.verdict.waiting.append(run)
        self._waits.add(job.id)

    def _replace(self, run: Run, job: Job) -> None:
        """Let a run take the place of the occurrence that is going: at once, or when nothing goes any more."""
        self.verdict.cancelled_jobs.add(job.id)
        if counted := self._counted.pop(job.id, 0):
            self.verdict.given_back[job.id] += counted
            job.runs_started -= counted
        job.runs_started -= sum(one.job_id == job.id and is_occurrence(one, job) for one in self.verdict.queued)
        for admitted in (self.verdict.queued, self.verdict.waiting):
            replaced = [one for one in admitted if one.job_id == job.id and _gives_way(one)]
            self.verdict.replaced += replaced
            admitted[:] = [one for one in admitted if one not in replaced]
        if job.id in self._outlasting:
            self._wait(run, job)
        else:
            self._start(run, job)
            job.runs_started += 1


def _gives_way(run: Run) -> bool:
    """Whether a newer occurrence may replace a run; a run on request stays."""
    return bool(run.trigger == Trigger.SCHEDULE)


def _replaces(job: Job) -> bool:
    return Overlap(job.overlap) is Overlap.CANCEL_PREVIOUS


def _ids(decided: Sequence[Run]) -> list[UUID]:
    return [run.id for run in decided]
