"""The jobs whose newest runs all took much longer than was usual before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.filters import JobFilter
from core.principals import Principal
from core.usual import Usual
from models import database, outcomes
from models.outcomes import EndedJob
from services.reading import durations
from services.reading.visibility import visible
from services.system import System

MOST_JOBS = 100
MOST_RUNS = 2_000
_WITHIN = timedelta(days=1)


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


def listed(principal: Principal, system: System, wanted: JobFilter | None = None) -> list[SlowJob]:
    """Returns the slow ones of the matching jobs that the principal may see, the slowest first.

    Only the 100 jobs of which a run ended most recently, within a day, are examined; if more than 500 jobs match, only
    those with a run among the newest 2,000 completed runs of all jobs.
    """
    with database.reading():
        since = system.clock.now() - _WITHIN
        ended = outcomes.ended_last(visible(principal, wanted or JobFilter()), since, MOST_RUNS)[:MOST_JOBS]
        usual = durations.of_jobs(principal, [one.job_id for one in ended])
    found = [_view(one, usual[one.job_id]) for one in ended if one.job_id in usual]
    return sorted(filter(None, found), key=lambda one: -one.times)


def _view(job: EndedJob, usual: Usual) -> SlowJob | None:
    slow = usual.slower
    if slow is None:
        return None
    return SlowJob(*job, usual.seconds, slow.seconds, slow.times, slow.since, slow.runs)
