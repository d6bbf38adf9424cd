"""Lists what comes, soonest first across jobs: runs that have a row, and occurrences that have none yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from core import schedules
from core.filters import JobFilter
from core.principals import Principal
from core.schedules import Recurring
from core.states import Trigger
from core.upcoming import Ahead, soonest
from models import database, pauses, upcoming
from models.upcoming import ComingJob, PlannedRun, Unplanned
from services.reading import visibility
from services.scheduling import stored_schedule
from services.system import System

MOST_JOBS = 1_000
MOST_NAMED = 5_000


@dataclass(frozen=True)
class UpcomingView:
    """A coming run: its job, its nominal instant, when it is due, and its row's id if it has one."""

    job_id: UUID
    job_name: str | None
    task_type: str
    app_name: str
    scheduled_for: datetime
    due_at: datetime
    run_id: UUID | None


def coming(principal: Principal, system: System, wanted: JobFilter, seconds: float, limit: int) -> list[UpcomingView]:
    """Returns the coming runs of jobs that fit within so many seconds, soonest first; paused ones are left out.

    The work is bounded: at most 1,000 jobs and 5,000 occurrences are looked at.
    """
    return look_ahead(principal, system, wanted, seconds, limit).found


def look_ahead(
    principal: Principal, system: System, wanted: JobFilter, seconds: float, limit: int
) -> Ahead[UpcomingView]:
    """Returns what `coming` does, and up to which instant that is all."""
    wanted = visibility.visible(principal, wanted)
    until = system.clock.now() + timedelta(seconds=seconds)
    with database.reading():
        if pauses.everything_paused_at() is not None:
            return Ahead([], until)
        ahead = _look(wanted, until, limit, min(MOST_JOBS, 2 * limit))
        if len(ahead.found) < limit and ahead.until < until:  # jitter, and runs that will not start, hide later ones
            ahead = _look(wanted, until, limit, MOST_JOBS)
    return ahead


def _look(wanted: JobFilter, until: datetime, limit: int, most_jobs: int) -> Ahead[UpcomingView]:
    rows = upcoming.planned(wanted, until, 2 * limit)  # some may be more than `max_runs` allows
    if len(rows) == 2 * limit:
        until = min(until, rows[-1].due_at)
    unplanned = upcoming.to_plan(wanted, until, most_jobs)
    limited = [one.job.id for one in unplanned if _is_limited(one.job)]
    counts = upcoming.count_planned(limited) if limited else {}
    if len(unplanned) == most_jobs:  # of later ones, not every job is known
        until = unplanned[-1].next_run_at
    named = [islice(_named(one, counts.get(one.job.id, 0)), limit) for one in unplanned]
    return soonest(_planned(rows), named, until, limit, MOST_NAMED)


def _planned(rows: Iterable[PlannedRun]) -> Iterator[UpcomingView]:
    """Runs that have a row, without those that `max_runs` will not let start."""
    taken: Counter[UUID] = Counter()
    for run in rows:
        if run.trigger == Trigger.SCHEDULE:
            taken[run.job.id] += 1
            left = _left_of(run.job)
            if left is not None and taken[run.job.id] > left:
                continue
        yield _view(run.job, run.scheduled_for, run.due_at, run.id)


def _named(one: Unplanned, planned: int) -> Iterator[UpcomingView]:
    """The occurrences of a job that have no row yet, in nominal order; none of a schedule that cannot be read."""
    job = one.job
    try:
        schedule = stored_schedule.read_text(job.schedule)
        if not isinstance(schedule, Recurring):
            return
        left = _left(job, schedule)
        instants = schedule.starting_at(one.next_run_at)
        for instant in islice(instants, None if left is None else max(0, left - planned)):
            yield _view(job, instant, schedule.due_at(job.id, instant), None)
    except stored_schedule.UNREADABLE:  # the planner says so, and goes on with the others
        return


def _is_limited(job: ComingJob) -> bool:
    return _left_of(job) is not None


def _left_of(job: ComingJob) -> int | None:
    """Returns how many runs may still start; None, for any number, also if the schedule cannot be read."""
    try:
        return _left(job, stored_schedule.read_text(job.schedule))
    except stored_schedule.UNREADABLE:
        return None


def _left(job: ComingJob, schedule: schedules.Schedule) -> int | None:
    """How many scheduled runs of a job may still start; None for any number."""
    most = schedule.max_runs if isinstance(schedule, Recurring) else None
    return None if most is None else max(0, most - job.runs_started)


def _view(job: ComingJob, scheduled_for: datetime, due_at: datetime, run_id: UUID | None) -> UpcomingView:
    return UpcomingView(job.id, job.name, job.task_type, job.app_name, scheduled_for, due_at, run_id)
