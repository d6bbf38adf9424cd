"""The query for occurrences that did not fire, by their jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.states import RunStatus
from models import filtering
from models.tables import App, Job, Run

# Exactly the condition of the partial index `runs_not_fired`. No other table here has a column `status`.
_NOT_FIRED = peewee.SQL("status IN ('skipped', 'missed')")


@dataclass(frozen=True)
class NotFired:
    """A job and how many of its occurrences were skipped, or missed; `runs` is how many rows record them."""

    job_id: UUID
    job_name: str | None
    job_title: str | None
    task_type: str
    status: RunStatus
    runs: int
    occurrences: int


def newest(wanted: JobFilter, since: datetime, most: int) -> list[NotFired]:
    """Returns the jobs of the newest `most` rows since an instant, of matching jobs, by most occurrences."""
    columns = (Run.job.alias("job_id"), Run.status, Run.occurrences)
    query: Any = Run.select(*columns).join(Job).join(App).where(_NOT_FIRED, Run.finished_at >= since)
    query = filtering.runs_of_jobs(query, wanted).order_by(Run.finished_at.desc(), Run.id.desc())
    rows = query.limit(most).alias("newest")
    runs = peewee.fn.COUNT(peewee.SQL("*"))
    occurrences = peewee.fn.SUM(rows.c.occurrences).cast("BIGINT")
    of_job = (Job.id, Job.name, Job.title, Job.task_type, rows.c.status)
    found: Any = Job.select(*of_job, runs, occurrences).join(rows, on=rows.c.job_id == Job.id).group_by(*of_job)
    found = found.order_by(occurrences.desc(), Job.id).tuples()
    return [
        NotFired(job_id, name, title, task_type, RunStatus(status), told_by, count)
        for job_id, name, title, task_type, status, told_by, count in found
    ]
