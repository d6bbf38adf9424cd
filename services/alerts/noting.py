"""Alerts: what a job's owner is to be told, noted with what happened, so that nothing that happened goes untold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from core.alerting import Alarm, Condition, Event, after
from models import alerts
from models.fields import new_id
from models.tables import Job


def note(happened: Iterable[tuple[Job, Event]], now: datetime) -> None:
    """Count what happened to these locked jobs, and write down what their owners are to be told of it.

    Within the caller's transaction; for a job that is well and stays so nothing is written.
    """
    events: dict[UUID, tuple[Job, list[Event]]] = {}
    for job, event in happened:
        events.setdefault(job.id, (job, []))[1].append(event)
    changed: dict[UUID, Condition] = {}
    told: list[tuple[UUID, Alarm]] = []
    for job, of_job in events.values():
        before = Condition(job.failures_in_row, job.late_since)
        condition, alarms = after(before, of_job, now)
        if condition != before:
            job.failures_in_row, job.late_since = condition.failures_in_row, condition.late_since
            changed[job.id] = condition
        if job.deleted_at is None:
            told += [(job.id, alarm) for alarm in alarms]
    if changed:
        alerts.set_conditions(changed)
    insert(told, now)


def insert(told: Iterable[tuple[UUID, Alarm]], now: datetime) -> None:
    """Write down what the owners of jobs are to be told."""
    alerts.insert([_row(job_id, alarm, now) for job_id, alarm in told])


def _row(job_id: UUID, alarm: Alarm, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "job": job_id,
        "kind": alarm.kind,
        "failures": alarm.failures,
        "words": alarm.words,
        "created_at": now,
    }
