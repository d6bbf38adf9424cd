"""Notes alerts in the transaction of what raises them, so that none is lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from core.alerting import Alert, Condition, HealthEvent, judge_job
from models import alerts
from models.fields import new_id
from models.tables import Job


def note(events: Iterable[tuple[Job, HealthEvent]], now: datetime) -> None:
    """Count what happened to these locked jobs, and note the alerts that it raises.

    Runs in the caller's transaction, and writes nothing for a job whose condition stays the same.
    """
    by_job: dict[UUID, tuple[Job, list[HealthEvent]]] = {}
    for job, event in events:
        by_job.setdefault(job.id, (job, []))[1].append(event)
    changed: dict[UUID, Condition] = {}
    alerts_of_jobs: list[tuple[UUID, Alert]] = []
    for job, of_job in by_job.values():
        condition, raised, is_changed = judge_job(job, of_job, now)
        if is_changed:
            job.failures_in_row, job.late_since = condition.failures_in_row, condition.late_since
            changed[job.id] = condition
        alerts_of_jobs += [(job.id, alert) for alert in raised]
    if changed:
        alerts.set_conditions(changed)
    insert(alerts_of_jobs, now)


def insert(alerts_of_jobs: Iterable[tuple[UUID, Alert]], now: datetime) -> None:
    """Note alerts for the owners of jobs."""
    alerts.insert([_row(job_id, alert, now) for job_id, alert in alerts_of_jobs])


def _row(job_id: UUID, alert: Alert, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "job": job_id,
        "kind": alert.kind,
        "failures": alert.failures,
        "words": alert.words,
        "created_at": now,
    }
