"""Dispatch: make due what has become due, ring for it, and keep rings in every queue that has claimable runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.recurring import Recurring
from core.states import ENDED, WAITING_FOR_INSTANT, Hold, JobState, RunStatus, Trigger
from models import database, jobs, runs
from models.tables import Job, Run
from services import broker as brokers
from services import settling, specifications
from services.doorbell import Ring
from services.system import System

LOOK_AHEAD = timedelta(seconds=2)
BATCH = 1_000
MOST_RINGS = 1_000
RECURRING = ("cron", "interval")


@dataclass
class _Verdict:
    """What becomes of the runs whose instant has come."""

    queued: list[Run] = field(default_factory=list)
    held: list[UUID] = field(default_factory=list)
    skipped_overlap: list[UUID] = field(default_factory=list)
    skipped_paused: list[UUID] = field(default_factory=list)
    orphaned: list[UUID] = field(default_factory=list)
    started: list[Job] = field(default_factory=list)
    spent: list[Job] = field(default_factory=list)


def due_soon(system: System) -> list[tuple[UUID, datetime]]:
    """Runs whose instant comes within the look-ahead or has passed, soonest first, at most one batch."""
    with database.reading():
        return runs.due_by(system.clock.now() + LOOK_AHEAD, BATCH)


def make_due(system: System, run_ids: Sequence[UUID]) -> int:
    """Move those of these runs whose instant has come to `queued`, or let them be skipped or held; ring for them.

    Overlap, pause and `max_runs` are decided here, under the locks of the jobs. Returns how many were queued.
    """
    now = system.clock.now()
    with database.transaction():
        locked = jobs.lock(runs.job_ids(run_ids))
        due = runs.waiting(run_ids, now)
        verdict = _judge(due, locked)
        runs.make_queued([run.id for run in verdict.queued], None)
        runs.make_queued(verdict.held, Hold.PAUSED)
        runs.make_skipped(verdict.skipped_overlap, "overlap", now)
        runs.make_skipped(verdict.skipped_paused, "paused", now)
        runs.make_cancelled(verdict.orphaned, "job ended", now)
        jobs.count_starts(verdict.started)
        _end_schedules(verdict, locked, now)
    system.doorbell.ring(Ring(run.id, run.queue) for run in verdict.queued)
    return len(verdict.queued)


def arrive(system: System, run_id: UUID, due_at: datetime) -> float:
    """Take a delayed ring: make its run due if the instant has come; else the seconds that are still to wait."""
    early = (due_at - system.clock.now()).total_seconds()
    if early > 0:
        return early
    make_due(system, [run_id])
    return 0.0


def ring_for(system: System, made: Iterable[Run | dict[str, Any]], within: timedelta) -> None:
    """Ring for runs just committed that are due, or due within this span; later ones are the dispatcher's."""
    soon = system.clock.now() + within
    system.doorbell.ring(ring for ring in map(_ring, made) if ring.due_at is None or ring.due_at <= soon)


def top_up(system: System, carrier: brokers.Carrier) -> int:
    """Ring for every queue that has more claimable runs than rings; how many rings.

    Raises `BrokerUnavailable`, or `DatabaseUnavailable`.
    """
    rung = 0
    for queue in (brokers.RUNS_HTTP,):
        with database.reading():
            claimable = runs.claimable(queue, MOST_RINGS)
        if not claimable:
            continue
        missing = len(claimable) - carrier.ready(queue) - system.doorbell.waiting()
        system.doorbell.ring(Ring(run_id, queue) for run_id in claimable[: max(0, missing)])
        rung += max(0, missing)
    return rung


def _ring(run: Run | dict[str, Any]) -> Ring:
    values = run if isinstance(run, dict) else run.__data__
    waits = values["status"] in WAITING_FOR_INSTANT
    return Ring(values["id"], values["queue"], values["due_at"] if waits else None)


def _judge(due: Sequence[Run], locked: dict[UUID, Job]) -> _Verdict:
    verdict = _Verdict()
    occurrences = {run.id for run in due if _is_occurrence(run, locked[run.job_id])}
    recurring = {run.job_id for run in due if run.id in occurrences}
    going = {job_id for job_id, statuses in jobs.going(recurring).items() if statuses}
    for run in due:
        job = locked[run.job_id]
        if job.state in ENDED:
            verdict.orphaned.append(run.id)
        elif run.id in occurrences:
            _judge_occurrence(run, job, verdict, going)
        elif job.state == JobState.PAUSED:
            verdict.held.append(run.id)
        else:
            verdict.queued.append(run)
            going.add(job.id)
    return verdict


def _is_occurrence(run: Run, job: Job) -> bool:
    """Whether a run is for an instant that the schedule of a job that comes back named, and has not begun."""
    return job.schedule_kind in RECURRING and run.trigger == Trigger.SCHEDULE and run.status == RunStatus.PENDING


def _judge_occurrence(run: Run, job: Job, verdict: _Verdict, going: set[UUID]) -> None:
    """Decide about one occurrence of a job that comes back: pause first, then overlap, then `max_runs`."""
    if job.state == JobState.PAUSED:
        verdict.skipped_paused.append(run.id)
    elif job.id in going:
        verdict.skipped_overlap.append(run.id)
    elif not _spent(job):
        verdict.queued.append(run)
        verdict.started.append(job)
        going.add(job.id)
        job.runs_started += 1
    if _spent(job):
        verdict.spent.append(job)


def _end_schedules(verdict: _Verdict, locked: dict[UUID, Job], now: datetime) -> None:
    """End the schedules that have had their `max_runs`, and the jobs whose last occurrence was skipped."""
    for job in verdict.spent:
        settling.end_schedule(job, now)
    if verdict.skipped_overlap or verdict.skipped_paused:
        recurring = [job for job in locked.values() if job.schedule_kind in RECURRING]
        settling.end_if_over(((job, JobState.COMPLETED) for job in recurring), now)


def _spent(job: Job) -> bool:
    schedule = specifications.read(job.schedule)
    return isinstance(schedule, Recurring) and schedule.max_runs is not None and job.runs_started >= schedule.max_runs
