"""Resume jobs, apps and everything when their pause reaches its end, just as if a person had resumed them.

Several coordinators may do so at once, and somebody may pause or resume meanwhile: the second one to get the locks
finds that the pause is over, or that it has another end.

The loops that plan and dispatch depend on ended pauses, but must not wait for many: they end a bounded number, without
touching the runs that were held, and leave the rest to the loops `pauses` and `pauses-left`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from math import inf
from uuid import UUID

from core.auditing import Thing
from core.errors import LockTimeout
from core.pauses import Paused
from core.principals import SYSTEM
from core.states import Hold, JobState
from models import database, jobs, pause_ends, runs
from models import pauses as pause_queries
from models.pause_ends import End
from models.tables import Job
from services.jobs import lifecycle
from services.messaging.unit_of_work import UnitOfWork
from services.runtime.batching import Pass, free_first, in_parts
from services.scheduling import pauses
from services.system import System

BATCH = 100
MAX_APPS = 50
"""How many pauses of apps are ended before runs are made due: each takes a transaction of its own."""


def end_all(system: System) -> float:
    """Resume all whose pause was to end by now. Returns the seconds until the next such pause ends, if there is one.

    Jobs that others have locked are passed over until the next call.
    """
    passed_over: set[UUID] = set()
    while True:
        ends = next_ends(passed_over)
        now = system.clock.now()
        due = [end for end in ends if end.until <= now]
        if not due:
            return (ends[0].until - now).total_seconds() if ends else inf
        passed_over |= _end(system, due)


def next_ends(without: Collection[UUID] = ()) -> list[End]:
    """Returns the next pauses that end by themselves, soonest first, at most a batch; none of those in `without`."""
    with database.reading():
        return pause_ends.soonest(BATCH, without)


def end_some(system: System) -> None:
    """Resume one batch of those whose pause was to end by now, before occurrences are planned.

    Held runs are released by the loop `pauses-left`. A fault does not keep the caller from its work; the loop `pauses`
    reports it.
    """
    with suppress(Exception):
        now = system.clock.now()
        _end(system, [end for end in next_ends() if end.until <= now], release_later=True)


def end_for_runs(system: System, run_ids: Sequence[UUID]) -> tuple[Sequence[UUID], Collection[UUID]]:
    """Before these runs are made due, end the pauses on which they depend, if these were to end by now.

    These are the pauses of their jobs, their apps (at most `MAX_APPS`) and everything; otherwise as `end_some`. Returns
    the runs that may be made due, and the jobs that others have locked, whose pauses are still to end.
    """
    with suppress(Exception):
        due = _due_for_runs(run_ids, system.clock.now())
        of_apps = [end for end in due if end.kind is Paused.APP]
        some = [*of_apps[:MAX_APPS], *(end for end in due if end.kind is not Paused.APP)]
        if passed_over := _end(system, some, release_later=True):
            with database.reading():
                return runs.of_other_jobs(run_ids, passed_over), passed_over
    return run_ids, ()


def _due_for_runs(run_ids: Collection[UUID], now: datetime) -> list[End]:
    with database.reading():
        first = pause_ends.soonest(1)  # usually no pause ends now, and nothing else is read
        return pause_ends.come_for_runs(run_ids, now) if first and first[0].until <= now else []


def _end(system: System, due: Sequence[End], *, release_later: bool = False) -> set[UUID]:
    """Resume what these pauses are of. Returns the jobs that were passed over: others have locked them."""
    for end in due:
        if end.kind is Paused.EVERYTHING:
            pauses.end_pause_of_everything(system, release_later=release_later)
        elif end.kind is Paused.APP:
            pauses.end_pause_of_app(system, end.id, release_later=release_later)
    passed_over = {end.id for end in due if end.kind is Paused.JOB}

    def some(job_ids: Sequence[UUID]) -> int:
        done = free_first(partial(_end_of_jobs, system, release_later=release_later), job_ids)
        passed_over.difference_update(set(job_ids) - done.passed_over.keys())
        return done.count

    if passed_over:
        with suppress(LockTimeout):  # it is logged, and the jobs stay passed over
            in_parts(some, sorted(passed_over))
    return passed_over


def _end_of_jobs(system: System, job_ids: Sequence[UUID], *, release_later: bool, waits_for_locks: bool) -> Pass[UUID]:
    """Resume jobs in one transaction, with a number of statements that does not grow with the number of jobs."""
    with system.transaction() as unit:
        locked, passed_over = jobs.lock_briefly(job_ids, waits_for_locks=waits_for_locks)
        if not release_later:
            runs.lock_live(locked)
        seen_to = set(job_ids) - passed_over
        come = pause_ends.come(seen_to, unit.now)
        paused = [job for job_id, job in locked.items() if job_id in come and job.state is JobState.PAUSED]
        pause_ends.drop(come - {job.id for job in paused})  # these ended while they were paused
        former = lifecycle.audited_states(paused)
        jobs.set_state(paused, JobState.ACTIVE, unit.now)
        if release_later:
            pauses.release_later(unit, {job.app_id for job in paused})
        else:
            _release(unit, paused)
        for job in paused:
            unit.audit(
                SYSTEM,
                "job.resumed",
                Thing.job(job),
                before=former[job.id],
                after={"state": job.state},
                reason=pauses.PAUSE_IS_OVER,
            )
    return Pass(len(seen_to), {job_id: [job_id] for job_id in passed_over})


def _release(unit: UnitOfWork, resumed: Sequence[Job]) -> None:
    """Release the held runs of jobs that were resumed, unless their app is paused, or everything."""
    holds = pause_queries.holds(resumed)
    for hold in (None, Hold.RESTORED):
        freed = pause_queries.release([job for job in resumed if holds.get(job.id) is hold], hold, unit.now)
        unit.ring(freed)
