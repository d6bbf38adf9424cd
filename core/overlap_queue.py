"""Decide whose turn it is among runs that wait for another run of their job to end.

The decision reads frozen facts and returns ids; `services.scheduling.overlap_queue` loads and applies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    """The facts of a locked job; `busy` if a run of it is going that does not wait for its turn itself."""

    busy: bool = False
    hold: Hold | None = None
    runs_started: int = 0
    max_runs: int | None = None


@dataclass(frozen=True)
class Turns:
    """The runs that leave the overlap queue, and what follows for their jobs."""

    given: Mapping[UUID, Hold | None]  # by run: what still holds it
    refused: frozenset[UUID]  # runs that are one more than `max_runs` allows
    starts: Mapping[UUID, int]  # by job: what to add to `runs_started`
    spent: frozenset[UUID]  # jobs whose schedule has had its `max_runs`; they may be over now


def give_turns(waiting: Iterable[WaitingRun], jobs: Mapping[UUID, JobFacts]) -> Turns:
    """Give the first waiting run of each job its turn where nothing else of the job is going."""
    first = {run.job_id: run for run in reversed([*waiting])}
    free = [run for run in first.values() if not jobs[run.job_id].busy]
    refused = [run for run in free if _is_one_too_many(run, jobs[run.job_id])]
    given = [run for run in free if run not in refused]
    starts = {run.job_id: 1 for run in given if run.trigger is Trigger.SCHEDULE}
    last = [job_id for job_id in starts if is_spent(jobs[job_id].runs_started + 1, jobs[job_id].max_runs)]
    return Turns(
        given={run.id: jobs[run.job_id].hold for run in given},
        refused=frozenset(run.id for run in refused),
        starts=starts,
        spent=frozenset([*last, *(run.job_id for run in refused)]),
    )


def _is_one_too_many(run: WaitingRun, job: JobFacts) -> bool:
    return run.trigger is Trigger.SCHEDULE and is_spent(job.runs_started, job.max_runs)
