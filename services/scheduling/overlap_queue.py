"""Turns: a run that waits for another of its job to end starts when that has ended."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from core.states import Hold, Trigger
from models import database, jobs, overlap_queue, pauses, runs
from models.tables import Job, Run
from services.scheduling import run_endings, stored_schedule
from services.system import System

BATCH = 500


def give_all(system: System) -> int:
    """Give turns wherever a run waits and nothing else of its job is going any more; how many were given."""
    with database.reading():
        ready = overlap_queue.ready_jobs(BATCH)
    if not ready:
        return 0
    with system.transaction() as work:
        taken = give(system, jobs.lock(ready))
        work.ring(taken)
    return len(taken)


def give(system: System, locked: dict[UUID, Job]) -> list[Run]:
    """Let the longest waiting run of each of these locked jobs start if nothing else of the job is going; those runs.

    Within a transaction that shares the gate of pauses; the caller rings.
    """
    first = _first_of_each(overlap_queue.waiting_for_turn(locked))
    blocked = overlap_queue.busy(first) if first else set()
    free = [run for run in first.values() if run.job_id not in blocked]
    taken = [run for run in free if not _is_one_too_many(run, locked[run.job_id])]
    for run in free:
        if run not in taken:
            runs.cancel_one(run, "the schedule has had its max_runs", system.clock.now())
    if not taken:
        return []
    paused = pauses.paused([locked[run.job_id] for run in taken])
    for run in taken:
        run.held_by = Hold.PAUSED if run.job_id in paused else None
    for held_by in (Hold.PAUSED, None):
        overlap_queue.take([run.id for run in taken if run.held_by is held_by], held_by)
    _count(system, [locked[run.job_id] for run in taken if run.trigger == Trigger.SCHEDULE])
    return taken


def _first_of_each(waiting: Collection[Run]) -> dict[UUID, Run]:
    first: dict[UUID, Run] = {}
    for run in waiting:
        first.setdefault(run.job_id, run)
    return first


def _is_one_too_many(run: Run, job: Job) -> bool:
    return run.trigger == Trigger.SCHEDULE and stored_schedule.is_spent(job)


def _count(system: System, started: Collection[Job]) -> None:
    """Count what starts now, and end the schedules that have had their `max_runs`."""
    jobs.count_starts(started)
    for job in started:
        job.runs_started += 1
    run_endings.end_schedules([job for job in started if stored_schedule.is_spent(job)], system.clock.now())
