"""Decide what becomes of runs whose instant has come: first by the pause, then by `max_runs`, then by overlap.

Every decision reads frozen facts and returns ids; `services.scheduling.due_runs` loads and applies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from core.policies import Admission, Overlap, admit, is_spent
from core.states import ENDED, JobState, RunStatus, Trigger


class Fate(StrEnum):
    """What becomes of a run whose instant has come."""

    START = "start"  # due and claimable
    WAIT = "wait"  # due, held for its turn
    HOLD = "hold"  # due, held by a pause
    GUARD = "guard"  # due, held after a restore
    SKIP_OVERLAP = "skip_overlap"  # skipped: another run of its job is not over
    SKIP_PAUSED = "skip_paused"  # skipped: its job or app is paused
    REPLACE = "replace"  # cancelled: a newer occurrence takes its place
    ORPHAN = "orphan"  # cancelled: its job has ended
    SURPLUS = "surplus"  # stays planned: more than `max_runs` allows


_GOING = (Fate.START, Fate.GUARD)
_SKIPPED = (Fate.SKIP_OVERLAP, Fate.SKIP_PAUSED)


@dataclass(frozen=True)
class DueRun:
    """A run whose instant has come, read under the lock of its job: `pending`, or `retrying`."""

    id: UUID
    job_id: UUID
    trigger: Trigger = Trigger.SCHEDULE
    status: RunStatus = RunStatus.PENDING

    @property
    def begins_occurrence(self) -> bool:
        """Whether this is the first attempt at an occurrence of a schedule."""
        return self.trigger is Trigger.SCHEDULE and self.status is RunStatus.PENDING

    @property
    def gives_way(self) -> bool:
        """Whether a newer occurrence may replace it; a run on request stays."""
        return self.trigger is Trigger.SCHEDULE


@dataclass(frozen=True)
class JobFacts:
    """The facts of a locked job on which the decision about its due runs rests.

    `restored`: its app is held because the database was taken back, so that runs that would start are held. `going`: a
    run of the job is due, running or waiting for a retry. `one_waits`: an occurrence waits for its turn. `outlasting`:
    a run is going that does not end at once when occurrences are cancelled. `counted`: how many occurrences count
    against `max_runs` and have not begun.
    """

    state: JobState
    recurs: bool
    overlap: Overlap
    paused: bool = False
    restored: bool = False
    going: bool = False
    one_waits: bool = False
    outlasting: bool = False
    counted: int = 0
    runs_started: int = 0
    max_runs: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What becomes of runs, in the order of their instants, and what follows for their jobs."""

    fates: Mapping[UUID, Fate]  # by run
    starts: Mapping[UUID, int]  # by job: what to add to `runs_started`; a negative number is given back
    replacing: frozenset[UUID]  # jobs whose occurrences that are going give way
    spent: frozenset[UUID]  # jobs whose schedule has used up its `max_runs`
    skipping: frozenset[UUID]  # jobs that may be over, since an occurrence was skipped


def decide(due: Sequence[DueRun], jobs: Mapping[UUID, JobFacts]) -> Verdict:
    """Decide about runs in the given order, each on the state that the decisions before it leave its job in."""
    decisions = {job_id: _JobDecisions(facts) for job_id, facts in jobs.items()}
    for run in due:
        decisions[run.job_id].decide(run)
    return Verdict(
        fates={run.id: decisions[run.job_id].fates[run] for run in due},
        starts={job_id: job.starts for job_id, job in decisions.items() if job.starts},
        replacing=frozenset(job_id for job_id, job in decisions.items() if job.replaces),
        spent=frozenset(job_id for job_id, job in decisions.items() if job.spent),
        skipping=frozenset(run.job_id for run in due if decisions[run.job_id].fates[run] in _SKIPPED),
    )


class _JobDecisions:
    """The decisions about the runs of one job, and the state that they leave it in."""

    def __init__(self, facts: JobFacts) -> None:
        self.fates: dict[DueRun, Fate] = {}
        self.starts = 0
        self.replaces = False
        self.spent = False
        self._facts = facts
        self._going = facts.going
        self._one_waits = facts.one_waits
        self._counted = facts.counted

    def decide(self, run: DueRun) -> None:
        """Decide about the next run."""
        self.fates[run] = self._fate(run)

    def _fate(self, run: DueRun) -> Fate:
        if self._facts.state in ENDED:
            return Fate.ORPHAN
        if self.replaces and run.status is RunStatus.RETRYING and run.gives_way:
            return Fate.REPLACE
        if self._facts.recurs and run.begins_occurrence:
            return self._fate_of_occurrence()
        if self._facts.paused:
            return Fate.HOLD
        self._going = True
        return self._starting

    @property
    def _starting(self) -> Fate:
        """What becomes of a run that nothing but a restore keeps from starting."""
        return Fate.GUARD if self._facts.restored else Fate.START

    def _fate_of_occurrence(self) -> Fate:
        fate = Fate.SKIP_PAUSED if self._facts.paused else self._admit()
        self.spent = self._is_spent()
        return fate

    def _admit(self) -> Fate:
        if self._is_spent():
            return Fate.SURPLUS
        match admit(self._facts.overlap, going=self._going, one_waits=self._one_waits):
            case Admission.START:
                return self._start()
            case Admission.SKIP:
                return Fate.SKIP_OVERLAP
            case Admission.WAIT:
                return self._wait()
            case Admission.REPLACE:
                return self._replace()

    def _start(self) -> Fate:
        self._going = True
        self.starts += 1
        return self._starting

    def _wait(self) -> Fate:
        self._one_waits = True
        return Fate.WAIT

    def _replace(self) -> Fate:
        """Replace the occurrence that is going: at once, or when nothing of the job is going any more."""
        self.replaces = True
        self.starts -= self._counted
        self._counted = 0
        admitted = {run: fate for run, fate in self.fates.items() if fate in (*_GOING, Fate.WAIT) and run.gives_way}
        self.starts -= sum(fate in _GOING and run.begins_occurrence for run, fate in admitted.items())
        self.fates.update(dict.fromkeys(admitted, Fate.REPLACE))
        return self._wait() if self._facts.outlasting else self._start()

    def _is_spent(self) -> bool:
        return is_spent(self._facts.runs_started + self.starts, self._facts.max_runs)
