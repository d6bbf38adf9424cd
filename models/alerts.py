"""Queries on the conditions of jobs, and on the alerts for their owners."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.alerting import Condition
from models import set_based
from models.database import for_update
from models.tables import Alert, App, Job, User


def set_conditions(conditions: Mapping[UUID, Condition]) -> None:
    """Store the conditions of these locked jobs."""
    set_based.update(Job.id, ((job_id, asdict(condition)) for job_id, condition in conditions.items()))


def insert(rows: Sequence[dict[str, Any]]) -> None:
    """Store alerts to be sent."""
    if rows:
        Alert.insert_many(rows).execute()


def take(now: datetime, until: datetime, limit: int) -> list[Alert]:
    """Claim the oldest alert to be sent, with all others of its kind and address. Returns them with job and app.

    Nobody else can take them until the given instant.
    """
    free = Alert.told_at.is_null() & (Alert.taken_until.is_null() | (Alert.taken_until < now))
    oldest = Alert.select(Alert.id).where(free).order_by(Alert.created_at).limit(limit)
    waiting = _whole([alert.id for alert in for_update(oldest, skip_locked=True)])
    alike = [one for one in waiting if (one.kind, address(one)) == (waiting[0].kind, address(waiting[0]))]
    put_off(alike, until)
    return alike


def address(taken: Alert) -> str | None:
    """Returns the e-mail address of the job's owner, if it has one."""
    owner: User | None = getattr(taken.job, "owner", None)
    return None if owner is None else owner.email


def mark_done(taken: Collection[Alert], now: datetime) -> None:
    """Record that nothing more is to be sent of these alerts."""
    Alert.update(told_at=now).where(Alert.id.in_([alert.id for alert in taken])).execute()


def put_off(taken: Collection[Alert], until: datetime) -> None:
    """Postpone these alerts until an instant, at which anyone may take them."""
    Alert.update(taken_until=until).where(Alert.id.in_([alert.id for alert in taken])).execute()


def prune(told_before: datetime, limit: int) -> int:
    """Delete alerts that were done before an instant. Returns how many."""
    old = Alert.select(Alert.id).where(Alert.told_at < told_before).limit(limit)
    return int(Alert.delete().where(Alert.id.in_(old)).execute())


def _whole(alert_ids: Collection[UUID]) -> list[Alert]:
    """Returns these alerts with their jobs, apps and owners' addresses, oldest first."""
    query = (
        Alert.select(Alert, Job.id, Job.name, Job.task_type, App.name, User.email)
        .join(Job)
        .join(App)
        .join_from(Job, User, peewee.JOIN.LEFT_OUTER, on=Job.owner_id == User.id, attr="owner")
        .where(Alert.id.in_(list(alert_ids)))
        .order_by(Alert.created_at)
    )
    return list(query) if alert_ids else []
