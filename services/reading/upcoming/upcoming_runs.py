"""Lists upcoming runs, soonest first across jobs: runs that have a row, and occurrences that have none yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from core import schedules
from core.errors import InvalidInput
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

MAX_JOBS = 1_000
MAX_NAMED = 5_000
MAX_PLANNED = 5_000
MAX_PASSED_OVER = 20_000  # a second of processor time, if all of them are of crons with jitter
FURTHEST = timedelta(days=400)


@dataclass(frozen=True)
class UpcomingView:
    """An upcoming run: its job, its nominal instant, when it is due, and its row's id if it has one."""

    job_id: UUID
    job_name: str | None
    job_title: str | None
    task_type: str
    app_name: str
    scheduled_for: datetime
    due_at: datetime
    run_id: UUID | None


class Budget:
    """How many occurrences before the span may be enumerated, of all jobs together."""

    def __init__(self) -> None:
        self._left = MAX_PASSED_OVER
        self.is_spent = False

    def take(self) -> bool:
        """Use one. Returns whether there was one left."""
        self.is_spent = self.is_spent or self._left <= 0
        self._left -= 1
        return not self.is_spent

    def count(self, schedule: Recurring, first: datetime, before: datetime, most: int) -> int | None:
        """Returns how many occurrences there are from `first` on and before an instant, at most `most`.

        None if the budget does not suffice.
        """
        known = schedule.count_at_once(first, before)
        if known is not None:
            return min(known, most)
        for number, instant in enumerate(islice(schedule.starting_at(first), most)):
            if instant >= before:
                return number
            if not self.take():
                return None
        return most


def coming(
    principal: Principal,
    system: System,
    wanted: JobFilter,
    seconds: float,
    limit: int,
    *,
    start: datetime | None = None,
) -> list[UpcomingView]:
    """Returns the runs of matching jobs within a number of seconds, soonest first; paused ones are left out.

    The seconds count from `start`, at most 400 days ahead, else from now. The work is bounded: at most 1,000 jobs and
    5,000 occurrences are read, and 20,000 occurrences before `start`. Raises `InvalidInput`.
    """
    return look_ahead(principal, system, wanted, seconds, limit, start=start).found


def next_of_each(principal: Principal, system: System, seconds: float, limit: int) -> list[UpcomingView]:
    """Returns the next run of each job that has one within a number of seconds, at most `limit`; as `coming` does.

    So a few jobs that run each minute, or each second, hide none that runs each night: of the runs that have a row, the
    soonest 5,000 are looked through.
    """
    return look_ahead(principal, system, JobFilter(), seconds, limit, one_each=True).found


def look_ahead(
    principal: Principal,
    system: System,
    wanted: JobFilter,
    seconds: float,
    limit: int,
    *,
    start: datetime | None = None,
    one_each: bool = False,
) -> Ahead[UpcomingView]:
    """Returns the result of `coming` or, with `one_each`, of `next_of_each`, and until when it is complete."""
    wanted = visibility.visible(principal, wanted)
    now = system.clock.now()
    if start is not None and start > now + FURTHEST:
        raise InvalidInput.at("start", f"must be at most {FURTHEST.days} days ahead.")
    until = (start or now) + timedelta(seconds=seconds)
    with database.reading():
        if pauses.everything_paused_at() is not None:
            return Ahead([], until)
        if start is not None:
            return _look(wanted, now, start, until, limit=limit, most_jobs=MAX_JOBS, one_each=one_each)
        ahead = _look(wanted, now, None, until, limit=limit, most_jobs=min(MAX_JOBS, 2 * limit), one_each=one_each)
        if len(ahead.found) < limit and ahead.until < until:  # jitter, and runs that will not start, hide later ones
            ahead = _look(wanted, now, None, until, limit=limit, most_jobs=MAX_JOBS, one_each=one_each)
    return ahead


def _look(
    wanted: JobFilter,
    now: datetime,
    start: datetime | None,
    until: datetime,
    *,
    limit: int,
    most_jobs: int,
    one_each: bool,
) -> Ahead[UpcomingView]:
    most_rows = 2 * limit  # some may exceed `max_runs`
    if one_each:
        rows, is_cut = upcoming.first_planned(wanted, until, most_rows, MAX_PLANNED)
    else:
        rows = upcoming.planned(wanted, until, most_rows, start)
        is_cut = len(rows) == most_rows
    if is_cut:
        until = min(until, rows[-1].due_at)
    unplanned = upcoming.to_plan(wanted, until, most_jobs)
    counts = planned_of_limited(unplanned)
    if len(unplanned) == most_jobs:  # beyond this, not every job is known
        until = unplanned[-1].next_run_at
    budget = Budget()
    begin = max(start or now, now)  # a job that is put off has occurrences without rows in the past
    planned = _first_of_each(planned_views(rows)) if one_each else list(planned_views(rows))
    listed = {one.job_id for one in planned} if one_each else set()
    each = [
        islice(named(one, counts.get(one.job.id, 0), begin, budget), 1 if one_each else limit)
        for one in unplanned
        if one.job.id not in listed
    ]
    ahead = soonest(planned, each, until, limit, MAX_NAMED)
    return Ahead(ahead.found, min(begin, ahead.until)) if budget.is_spent else ahead


def _first_of_each(views: Iterable[UpcomingView]) -> list[UpcomingView]:
    """Returns the first run of each job."""
    first: dict[UUID, UpcomingView] = {}
    for one in views:
        first.setdefault(one.job_id, one)
    return list(first.values())


def planned_of_limited(unplanned: Iterable[Unplanned]) -> dict[UUID, int]:
    """Returns how many occurrences of each of these jobs have a row, of those with `max_runs`."""
    limited = [one.job.id for one in unplanned if _is_limited(one.job)]
    return upcoming.count_planned(limited) if limited else {}


def planned_views(rows: Iterable[PlannedRun]) -> Iterator[UpcomingView]:
    """Runs that have a row, without those that `max_runs` will not let start."""
    taken: Counter[UUID] = Counter()
    for run in rows:
        if run.trigger == Trigger.SCHEDULE:
            taken[run.job.id] += 1
            left = _left_of(run.job)
            if left is not None and taken[run.job.id] > left:
                continue
        yield _view(run.job, run.scheduled_for, run.due_at, run.id)


def named(one: Unplanned, planned: int, start: datetime, budget: Budget) -> Iterator[UpcomingView]:
    """Yield the occurrences of a job that have no row yet and are due from `start` on, in nominal order.

    Yields nothing for a schedule that cannot be read, or if the budget does not suffice to apply `max_runs`.
    """
    job = one.job
    try:
        schedule = stored_schedule.parse(job.schedule)
        if not isinstance(schedule, Recurring):
            return
        left = _left(job, schedule)
        begin = max(one.next_run_at, _before(start, schedule))
        if left is not None:
            left = max(0, left - planned)
            passed = budget.count(schedule, one.next_run_at, begin, left)
            if passed is None:
                return
            left -= passed
        for instant in islice(schedule.starting_at(begin), left):
            due_at = schedule.due_at(job.id, instant)
            if due_at >= start:
                yield _view(job, instant, due_at, None)
            elif not budget.take():
                return
    except stored_schedule.UNREADABLE:  # the planner reports it; continue with the others
        return


def _before(start: datetime, schedule: Recurring) -> datetime:
    """Returns the first instant whose occurrence may be due at `start`, jitter added."""
    return start - timedelta(seconds=schedule.jitter_seconds or 0)


def _is_limited(job: ComingJob) -> bool:
    return _left_of(job) is not None


def _left_of(job: ComingJob) -> int | None:
    """Returns how many runs may still start; None, for any number, also if the schedule cannot be read."""
    try:
        return _left(job, stored_schedule.parse(job.schedule))
    except stored_schedule.UNREADABLE:
        return None


def _left(job: ComingJob, schedule: schedules.Schedule) -> int | None:
    """How many scheduled runs of a job may still start; None for any number."""
    most = schedule.max_runs if isinstance(schedule, Recurring) else None
    return None if most is None else max(0, most - job.runs_started)


def _view(job: ComingJob, scheduled_for: datetime, due_at: datetime, run_id: UUID | None) -> UpcomingView:
    return UpcomingView(job.id, job.name, job.title, job.task_type, job.app_name, scheduled_for, due_at, run_id)
