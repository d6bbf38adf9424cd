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
from services.reading import durations
from services.reading.visibility import visible
from services.system import System

MOST_JOBS = 100
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


def listed(principal: Principal, system: System, wanted: JobFilter | None = None) -> list[SlowJob]:
    """Returns the 100 slowest of the matching jobs that the principal may see, the slowest first.

    Each job of which a run has completed within two days is judged, however many others have run since. Of more than
    10,000 jobs with a run of over a second in that time, only those whose runs differed most.
    """
    fitting = visible(principal, wanted or JobFilter())
    with database.reading():
        since = system.clock.now() - _WITHIN
        slower = stored.slower(fitting, since, MOST_JOBS, principal.account_id)
        usual = durations.of_jobs(principal, [one.job_id for one in slower])
    found = [_view(one, usual[one.job_id]) for one in slower if one.job_id in usual]
    return sorted(filter(None, found), key=lambda one: -one.times)


def _view(job: SlowerJob, usual: Usual) -> SlowJob | None:
    slow = usual.slower
    if slow is None:
        return None
    return SlowJob(*job, usual.seconds, slow.seconds, slow.times, slow.since, slow.runs)
