"""How many threads the runs of the coming five minutes need: planned runs, and occurrences that have no row yet.

What is read is bounded, however many jobs and runs there are: of very many, the soonest count, and the figure is the
least that is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice, takewhile
from uuid import UUID

from core import coming_threads
from core.coming_threads import PlannedWork
from core.filters import JobFilter
from core.principals import LOCAL
from models import database, pauses
from models import upcoming as queries
from models.upcoming import ComingJob, Unplanned
from services.messaging import broker as brokers
from services.reading import visibility
from services.reading.upcoming import upcoming_runs as upcoming
from services.reading.upcoming.thread_times import ThreadTimes
from services.reading.upcoming.upcoming_runs import UpcomingView
from services.runtime.clock import Clock

AHEAD = timedelta(minutes=5)
MAX_PLANNED = 5_000
MAX_JOBS = 2_000
MAX_OCCURRENCES = 10_000


class ComingThreads:
    """Counts the threads, by durations that one process has measured."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times = ThreadTimes(clock)

    def by_queue(self) -> dict[str, float]:
        """Returns the threads that each queue needs in the busiest of the coming minutes.

        Runs of paused jobs need none. Raises `DatabaseUnavailable`.
        """
        now = self._clock.now()
        needed = dict.fromkeys(brokers.RUNS, 0.0)
        wanted = visibility.visible(LOCAL, JobFilter())
        with database.reading():
            if pauses.everything_paused_at() is not None:
                return needed
            rows = queries.soonest_planned(wanted, now, now + AHEAD, MAX_PLANNED)
            unplanned = queries.to_plan(wanted, now + AHEAD, MAX_JOBS)
            counts = upcoming.planned_of_limited(unplanned)
            jobs = {one.job.id: one.job for one in rows} | {one.job.id: one.job for one in unplanned}
            self._times.look(jobs.values())
        views = (*upcoming.planned_views(rows), *_occurrences(unplanned, counts, now))
        work = (self._work(jobs[one.job_id], one.due_at) for one in views)
        return needed | coming_threads.by_queue(work, now, now + AHEAD)

    def _work(self, job: ComingJob, due_at: datetime) -> PlannedWork:
        return PlannedWork(job.id, job.queue, job.overlap, due_at, self._times.of(job))


def _occurrences(unplanned: Sequence[Unplanned], counts: dict[UUID, int], start: datetime) -> Iterator[UpcomingView]:
    """Yield the occurrences that have no row yet; of jobs that run very often, as many as each may have."""
    end = start + AHEAD
    budget = upcoming.Budget()
    most = MAX_OCCURRENCES // max(1, len(unplanned))
    for one in unplanned:
        named = upcoming.named(one, counts.get(one.job.id, 0), start, budget)
        nominal = takewhile(lambda view: view.scheduled_for < end, named)
        yield from (view for view in islice(nominal, most) if view.due_at < end)
