"""How many threads runs need: those under way, and in the coming five minutes what waits, is retried and is planned.

What is read is bounded, however many jobs and runs there are: of very many runs that wait, the most urgent stand for
all; of very many planned ones, the soonest count, and the figure is the least that is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from uuid import UUID

from core import coming_threads
from core.coming_threads import Work
from core.filters import JobFilter
from core.policies import Overlap
from core.principals import LOCAL
from core.states import RunStatus
from models import coming_runs, database
from models import upcoming as queries
from models.coming_runs import ComingRun, Totals
from models.upcoming import ComingJob, Unplanned
from services.messaging import broker as brokers
from services.reading import visibility
from services.reading.upcoming import upcoming_runs
from services.reading.upcoming.thread_times import ThreadTimes
from services.reading.upcoming.upcoming_runs import UpcomingView
from services.runtime.clock import Clock

AHEAD = timedelta(minutes=5)
MAX_PLANNED = 5_000
MAX_WAITING = 1_000  # of each queue
MAX_COUNTED = 100_000  # of each queue
MAX_RUNNING = 5_000
MAX_JOBS = 2_000
MAX_OCCURRENCES = 10_000
_ALL_THE_TIME_SECONDS = 2 * AHEAD.total_seconds()
_OF_MANY_JOBS = UUID(int=0)


class ComingThreads:
    """Counts the threads, by durations that one process has measured.

    `most` is how many runs may be under way at once, if the settings limit that.
    """

    def __init__(self, clock: Clock, most: int | None = None) -> None:
        self._clock = clock
        self._most = most
        self._times = ThreadTimes(clock)

    def by_queue(self) -> dict[str, float]:
        """Returns the threads that each queue needs in the busiest of the coming minutes.

        What is paused or held needs none. Raises `DatabaseUnavailable`.
        """
        now = self._clock.now()
        with database.reading():
            found = _read(now)
            self._times.look({one.id: one for one in found.measured()}.values())
        work = (*self._of_jobs(found, now), *self._waiting(found, now), *_under_way(found, now))
        needed = dict.fromkeys(brokers.RUNS, 0.0) | coming_threads.by_queue(work, now, now + AHEAD)
        limits = [most for most in (self._most, found.totals.concurrency) if most is not None]
        return coming_threads.within(needed, min(limits, default=None))

    def _of_jobs(self, found: _Found, now: datetime) -> Iterator[Work]:
        """Yield the work of runs that are retried or planned, and of occurrences that have no row yet."""
        for one in found.of_status(RunStatus.RETRYING):
            yield self._work(one.planned.job, one.planned.due_at, one.queue)
        pending = [one.planned for one in found.of_status(RunStatus.PENDING)]
        jobs = {one.job.id: one.job for one in pending} | {one.job.id: one.job for one in found.unplanned}
        for view in (*upcoming_runs.planned_views(pending), *_occurrences(found.unplanned, found.counts, now)):
            job = jobs[view.job_id]
            yield self._work(job, view.due_at, job.queue)

    def _waiting(self, found: _Found, now: datetime) -> Iterator[Work]:
        """Yield the work of claimable runs; those that were read of a queue stand for its others."""
        seconds: dict[str, list[float]] = {}
        for one in found.of_status(RunStatus.QUEUED):
            work = self._work(one.planned.job, now, one.queue)
            seconds.setdefault(one.queue, []).append(work.seconds)
            yield work
        for queue, taken in seconds.items():
            others = found.totals.claimable[queue] - len(taken)
            if others > 0:
                yield Work(_OF_MANY_JOBS, queue, Overlap.ALLOW, now, sum(taken) / len(taken), others)

    def _work(self, job: ComingJob, due_at: datetime, queue: str) -> Work:
        return Work(job.id, queue, job.overlap, due_at, self._times.of(job))


@dataclass(frozen=True)
class _Found:
    """What was read: runs, jobs with occurrences that have no row yet, and how many of these have one."""

    totals: Totals
    runs: Sequence[ComingRun]
    unplanned: Sequence[Unplanned]
    counts: Mapping[UUID, int]

    def of_status(self, status: RunStatus) -> list[ComingRun]:
        """Returns the runs of a status."""
        return [one for one in self.runs if one.status is status]

    def measured(self) -> Iterator[ComingJob]:
        """Yield the jobs whose durations count, those of planned runs first: not all are measured at once."""
        yield from (one.job for one in self.unplanned)
        for status in (RunStatus.PENDING, RunStatus.QUEUED, RunStatus.RETRYING):
            yield from (one.planned.job for one in self.of_status(status))


def _read(now: datetime) -> _Found:
    totals = coming_runs.totals(brokers.RUNS, now, MAX_COUNTED)
    bounds = {"most_planned": MAX_PLANNED, "most_waiting": MAX_WAITING, "most_running": MAX_RUNNING}
    runs = coming_runs.of_queues(brokers.RUNS, now + AHEAD, **bounds)
    if totals.is_paused:
        return _Found(totals, [one for one in runs if one.status is RunStatus.RUNNING], [], {})
    unplanned = queries.to_plan(visibility.visible(LOCAL, JobFilter()), now + AHEAD, MAX_JOBS)
    return _Found(totals, runs, unplanned, upcoming_runs.planned_of_limited(unplanned))


def _under_way(found: _Found, now: datetime) -> Iterator[Work]:
    """Yield the work of runs under way: a thread each, which what follows them is assumed to keep."""
    for one in found.of_status(RunStatus.RUNNING):
        job = one.planned.job
        yield Work(job.id, one.queue, job.overlap, now, _ALL_THE_TIME_SECONDS)


def _occurrences(unplanned: Sequence[Unplanned], counts: Mapping[UUID, int], start: datetime) -> Iterator[UpcomingView]:
    """Yield the occurrences that have no row yet; of jobs that run very often, as many as each may have."""
    end = start + AHEAD
    budget = upcoming_runs.Budget()
    most = MAX_OCCURRENCES // max(1, len(unplanned))
    for one in unplanned:
        named = upcoming_runs.named(one, counts.get(one.job.id, 0), start, budget)
        nominal = takewhile(lambda view: view.scheduled_for < end, named)
        yield from (view for view in islice(nominal, most) if view.due_at < end)
