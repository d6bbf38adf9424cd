"""Queries on how jobs are doing, and on what their owners are to be told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.alerting import Condition
from models.database import for_update
from models.tables import Alert, App, Job, User


def set_condition(job_ids: Collection[UUID], condition: Condition) -> None:
    """Keep how these locked jobs, which are doing alike, are doing."""
    Job.update(failures_in_row=condition.failures_in_row, late_since=condition.late_since).where(
        Job.id.in_(list(job_ids))
    ).execute()


def insert(rows: Sequence[dict[str, Any]]) -> None:
    """Store what is to be told."""
    if rows:
        Alert.insert_many(rows).execute()


def take(now: datetime, until: datetime, limit: int) -> list[Alert]:
    """What is to be told, oldest first, with its job, app and owner's address; nobody else takes it until then."""
    free = Alert.taken_until.is_null() | (Alert.taken_until < now)
    waiting = Alert.select(Alert.id).where(Alert.told_at.is_null(), free).order_by(Alert.created_at).limit(limit)
    taken = [alert.id for alert in for_update(waiting, skip_locked=True)]
    if not taken:
        return []
    Alert.update(taken_until=until).where(Alert.id.in_(taken)).execute()
    query = (
        Alert.select(Alert, Job.id, Job.name, Job.task_type, App.name, User.email.alias("owner_email"))
        .join(Job)
        .join(App)
        .join_from(Job, User, peewee.JOIN.LEFT_OUTER, on=Job.owner_id == User.id, attr="owner")
        .where(Alert.id.in_(taken))
        .order_by(Alert.created_at)
    )
    return list(query)


def record_told(alert_ids: Collection[UUID], now: datetime) -> None:
    """Record that this was told."""
    Alert.update(told_at=now).where(Alert.id.in_(list(alert_ids))).execute()


def prune(told_before: datetime, limit: int) -> int:
    """Delete what was told before an instant; how many."""
    old = Alert.select(Alert.id).where(Alert.told_at < told_before).limit(limit)
    return int(Alert.delete().where(Alert.id.in_(old)).execute())
