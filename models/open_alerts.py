"""The query for jobs whose owner was alerted and that have not recovered since."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.alerting import FAILURES_IN_ROW
from core.filters import JobFilter
from core.states import JobState
from models import filtering
from models.tables import App, Job

# Exactly the condition of the index `jobs_in_alert`.
_IN_ALERT = peewee.SQL(f"(failures_in_row >= {FAILURES_IN_ROW} OR late_since IS NOT NULL)")


class AlertedJob(NamedTuple):
    """A job that has failed so often in a row, or that has been late since an instant."""

    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    task_type: str
    failures_in_row: int
    late_since: datetime | None


def newest(wanted: JobFilter, limit: int) -> list[AlertedJob]:
    """Returns active jobs that match and have an open alert, those with the most failures in a row first."""
    app_name = (
        App.select(App.name).where(App.id == Job.app).alias("app_name")
    )  # not joined: SQLite would begin with the apps
    columns = (Job.id, Job.name, Job.title, app_name, Job.task_type, Job.failures_in_row, Job.late_since)
    query: Any = filtering.jobs(Job.select(*columns), wanted).where(Job.state == JobState.ACTIVE, _IN_ALERT)
    return [AlertedJob(*row) for row in query.order_by(Job.failures_in_row.desc(), Job.id).limit(limit).tuples()]
