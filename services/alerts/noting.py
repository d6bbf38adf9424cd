"""Notes alerts in the transaction of what raises them, so that none is lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from core.alerting import Alert, Condition, Happening, judge
from models import alerts
from models.fields import new_id
from models.tables import Job


def note(happened: Iterable[tuple[Job, Happening]], now: datetime) -> None:
    """Count what happened to these locked jobs, and note the alerts that it raises.

    Runs in the caller's transaction, and writes nothing for a job that is well and stays so.
    """
    by_job: dict[UUID, tuple[Job, list[Happening]]] = {}
    for job, one in happened:
        by_job.setdefault(job.id, (job, []))[1].append(one)
    changed: dict[UUID, Condition] = {}
    told: list[tuple[UUID, Alert]] = []
    for job, of_job in by_job.values():
        before = Condition(job.failures_in_row, job.late_since)
        condition, raised = judge(before, of_job, now)
        if condition != before:
            job.failures_in_row, job.late_since = condition.failures_in_row, condition.late_since
            changed[job.id] = condition
        if job.deleted_at is None:
            told += [(job.id, alert) for alert in raised]
    if changed:
        alerts.set_conditions(changed)
    insert(told, now)


def insert(told: Iterable[tuple[UUID, Alert]], now: datetime) -> None:
    """Note alerts for the owners of jobs."""
    alerts.insert([_row(job_id, alert, now) for job_id, alert in told])


def _row(job_id: UUID, alert: Alert, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "job": job_id,
        "kind": alert.kind,
        "failures": alert.failures,
        "words": alert.words,
        "created_at": now,
    }
