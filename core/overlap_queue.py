"""Decide whose turn it is among runs that wait for another run of their job to end.

The decision reads frozen facts and returns ids; `services.scheduling.overlap_queue` loads and applies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from core.policies import is_spent
from core.states import Hold, Trigger


@dataclass(frozen=True)
class WaitingRun:
    """A run in the overlap queue, read under the lock of its job."""

    id: UUID
    job_id: UUID
    trigger: Trigger = Trigger.SCHEDULE


@dataclass(frozen=True)
class JobFacts:
    """The facts of a locked job.

    `busy` if a run of it is going, other than those that wait for their turn; `overlaps` if its runs may now run at the
    same time, so that none has to wait.
    """

    busy: bool = False
    overlaps: bool = False
    hold: Hold | None = None
    runs_started: int = 0
    max_runs: int | None = None


@dataclass(frozen=True)
class Turns:
    """The runs that leave the overlap queue, and what follows for their jobs."""

    given: Mapping[UUID, Hold | None]  # by run: what still holds it
    refused: frozenset[UUID]  # runs beyond `max_runs`
    starts: Mapping[UUID, int]  # by job: what to add to `runs_started`
    spent: frozenset[UUID]  # jobs whose schedule has used up its `max_runs`; they may be over now


def give_turns(waiting: Iterable[WaitingRun], jobs: Mapping[UUID, JobFacts]) -> Turns:
    """Give turns, in the order given: to the first waiting run of each job if nothing else of the job is going.

    If a job's runs may overlap, all of its waiting runs get their turn.
    """
    given: dict[UUID, Hold | None] = {}
    refused: dict[UUID, UUID] = {}  # the job of each
    starts: Counter[UUID] = Counter()
    for run in _in_turn(waiting, jobs):
        job = jobs[run.job_id]
        if _is_one_too_many(run, job, starts[run.job_id]):
            refused[run.id] = run.job_id
            continue
        given[run.id] = job.hold
        if run.trigger is Trigger.SCHEDULE:
            starts[run.job_id] += 1
    last = [job_id for job_id in starts if is_spent(jobs[job_id].runs_started + starts[job_id], jobs[job_id].max_runs)]
    return Turns(given, frozenset(refused), dict(starts), frozenset([*last, *refused.values()]))


def _in_turn(waiting: Iterable[WaitingRun], jobs: Mapping[UUID, JobFacts]) -> Iterator[WaitingRun]:
    before: set[UUID] = set()
    for run in waiting:
        job = jobs[run.job_id]
        if job.overlaps or not (job.busy or run.job_id in before):
            yield run
        before.add(run.job_id)


def _is_one_too_many(run: WaitingRun, job: JobFacts, started: int) -> bool:
    return run.trigger is Trigger.SCHEDULE and is_spent(job.runs_started + started, job.max_runs)
