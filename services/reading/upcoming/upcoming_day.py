"""Counts the runs due within a span by minute and job, from rows and schedules, without those of frequent jobs.

A job that runs more often than every five minutes on average is listed separately: it would fill every minute, and
leave none free. With thousands of jobs the bound is lower, so that the work stays the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from uuid import UUID

from core.figures import whole_minute
from core.filters import JobFilter
from core.principals import Principal
from models import database, pauses
from models import upcoming as queries
from models.upcoming import Unplanned
from services.reading import visibility
from services.reading.upcoming import upcoming_runs
from services.reading.upcoming.upcoming_runs import UpcomingView
from services.runtime.timed_cache import TimedCache
from services.system import System

OFTEN = timedelta(minutes=5)
MAX_JOBS = 5_000
MAX_PLANNED = 20_000
MAX_LOOKED_AT = 60_000  # three seconds of processor time, if all of them are by cron
KEPT_SECONDS = 30.0
MANY = 500
_MAX_KEPT = 100


@dataclass(frozen=True)
class FrequentJob:
    """A job that runs too often for the count by minute: one of its runs, and the approximate number of runs."""

    job: UpcomingView
    count: int


@dataclass(frozen=True)
class DayAhead:
    """How many runs of which jobs are due in each minute; nothing is known beyond `until`, if it is set.

    `jobs` has an upcoming run of each counted job; jobs that run more often than every `often` are `frequent`.
    """

    minutes: Mapping[datetime, Mapping[UUID, int]]
    jobs: Mapping[UUID, UpcomingView]
    frequent: Sequence[FrequentJob]
    often: timedelta
    until: datetime | None

    @property
    def counted(self) -> int:
        """The number of runs counted by minute."""
        return sum(sum(jobs.values()) for jobs in self.minutes.values())

    @property
    def total(self) -> int:
        """The approximate total number of runs."""
        return self.counted + sum(one.count for one in self.frequent)


class DaysAhead:
    """The counts that one process caches: for half a minute if there are many runs."""

    def __init__(self, system: System) -> None:
        self._kept = TimedCache[DayAhead](system.clock, KEPT_SECONDS, _MAX_KEPT)

    def of(self, principal: Principal, wanted: JobFilter, start: datetime, end: datetime) -> DayAhead:
        """Returns the upcoming runs of matching jobs that the principal may see, from `start` to before `end`."""
        theirs = visibility.visible(principal, wanted)
        key = (theirs, whole_minute(start), whole_minute(end))
        return self._kept.of(key, lambda: _counted(theirs, start, end), lambda found: found.total >= MANY)


def _counted(wanted: JobFilter, start: datetime, end: datetime) -> DayAhead:
    with database.reading():
        if pauses.everything_paused_at() is not None:
            return DayAhead({}, {}, [], OFTEN, None)
        rows = queries.planned(wanted, end, MAX_PLANNED, start)
        unplanned = queries.to_plan(wanted, end, MAX_JOBS)
        counts = upcoming_runs.planned_of_limited(unplanned)
    most = max(1, min(int((end - start) / OFTEN), MAX_LOOKED_AT // max(1, len(unplanned))))
    runs = _Runs(most)
    for view in upcoming_runs.planned_views(rows):
        if start <= view.due_at < end:
            runs.add(view)
    budget = upcoming_runs.Budget()
    for one in unplanned:
        named = upcoming_runs.named(one, counts.get(one.job.id, 0), start, budget)
        runs.add_occurrences(_within(named, start, end), (end - start).total_seconds())
    until = min((*_ends_of(rows, unplanned), start if budget.is_spent else end, end))
    return runs.ahead((end - start) / most, until if until < end else None)


def _ends_of(rows: Sequence[queries.PlannedRun], unplanned: Sequence[Unplanned]) -> Iterator[datetime]:
    """Yield the instants up to which the data are complete, for sources that were too large to be read whole."""
    if len(rows) == MAX_PLANNED:
        yield rows[-1].due_at
    if len(unplanned) == MAX_JOBS:
        yield unplanned[-1].next_run_at


def _within(named: Iterator[UpcomingView], start: datetime, end: datetime) -> Iterator[UpcomingView]:
    """Yield those of a job's occurrences, in nominal order, that are due within a span."""
    nominal = takewhile(lambda view: view.scheduled_for < end, named)
    return (view for view in nominal if start <= view.due_at < end)


class _Runs:
    """Counts runs by minute and job; a job with more than `most` runs is frequent."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._minutes: dict[UUID, Counter[datetime]] = {}
        self._jobs: dict[UUID, UpcomingView] = {}
        self._estimates: dict[UUID, int] = {}

    def add(self, view: UpcomingView) -> None:
        self._jobs.setdefault(view.job_id, view)
        self._minutes.setdefault(view.job_id, Counter())[whole_minute(view.due_at)] += 1

    def add_occurrences(self, views: Iterable[UpcomingView], seconds: float) -> None:
        """Count occurrences of one job; for a frequent one, estimate from the first how many there are in the span."""
        first: datetime | None = None
        for number, view in enumerate(views):
            first = view.due_at if first is None else first
            if number > self._most:
                each = max(0.001, (view.due_at - first).total_seconds() / number)
                self._estimates[view.job_id] = round(seconds / each)
                return
            self.add(view)

    def ahead(self, often: timedelta, until: datetime | None) -> DayAhead:
        totals = {job_id: self._estimates.get(job_id, minutes.total()) for job_id, minutes in self._minutes.items()}
        frequent = {job_id for job_id, total in totals.items() if total > self._most}
        together: dict[datetime, dict[UUID, int]] = {}
        for job_id, minutes in self._minutes.items():
            for at, count in minutes.items() if job_id not in frequent else ():
                together.setdefault(at, {})[job_id] = count
        listed = [FrequentJob(self._jobs[one], totals[one]) for one in frequent]
        listed.sort(key=lambda one: -one.count)
        rest = {job_id: view for job_id, view in self._jobs.items() if job_id not in frequent}
        return DayAhead(together, rest, listed, often, until)
