"""The jobs whose newest runs all took much longer than was usual before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.filters import JobFilter
from core.principals import Principal
from core.usual import Usual
from models import database
from models import durations as stored
from models.durations import SlowerJob
from services.reading.statistics import durations
from services.reading.visibility import visible
from services.runtime.timed_cache import TimedCache
from services.system import System

MAX_JOBS = 100
MANY = 100
KEPT_SECONDS = 30.0
_MAX_KEPT = 100
_WITHIN = timedelta(days=2)  # a job that runs once a day is judged at any time of the day


@dataclass(frozen=True)
class SlowJob:
    """A job whose newest `runs` took `times` as long as `usual_seconds`, since an instant: half of them `seconds`."""

    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    task_type: str
    usual_seconds: float
    seconds: float
    times: float
    since: datetime
    runs: int


class SlowJobs:
    """The slow jobs; where many jobs must be looked at for it, the result is cached for half a minute."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._kept = TimedCache[_Found](system.clock, KEPT_SECONDS, _MAX_KEPT)

    def of(self, principal: Principal, wanted: JobFilter | None = None) -> list[SlowJob]:
        """Returns the 100 slowest of the matching jobs that the principal may see, the slowest first.

        Each job of which a run has completed within two days is judged. If more than 500 match, only those with a run
        of over a second among the newest 100,000 ended runs of the installation, and of more than 2,000 such jobs,
        those whose runs differed most.
        """
        fitting = visible(principal, wanted or JobFilter())
        key = (fitting, principal.account_id)
        return self._kept.of(key, lambda: self._found(principal, fitting), lambda found: found.matching >= MANY).jobs

    def _found(self, principal: Principal, fitting: JobFilter) -> _Found:
        with database.reading():
            since = self._system.clock.now() - _WITHIN
            slower, matching = stored.slower(fitting, since, MAX_JOBS, principal.account_id)
            usual = durations.of_jobs(principal, [one.job_id for one in slower])
        found = [_view(one, usual[one.job_id]) for one in slower if one.job_id in usual]
        return _Found(sorted(filter(None, found), key=lambda one: -one.times), matching)


@dataclass(frozen=True)
class _Found:
    """The slow jobs, and how many jobs match, counted to 501."""

    jobs: list[SlowJob]
    matching: int


def _view(job: SlowerJob, usual: Usual) -> SlowJob | None:
    slow = usual.slower
    if slow is None:
        return None
    return SlowJob(*job, usual.seconds, slow.seconds, slow.times, slow.since, slow.runs)
