"""Queries on the quotas of apps, and on how much of them is used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.quotas import Quotas, Taken
from core.states import RunStatus
from models.tables import AppQuotas, Job, Run

_NAMES = tuple(Quotas.__dataclass_fields__)


def of_apps(app_ids: Collection[UUID]) -> dict[UUID, Quotas]:
    """Returns the quotas of those of these apps that have some."""
    rows = AppQuotas.select().where(AppQuotas.app_id.in_(list(app_ids)))
    return {row.app_id: Quotas(**{name: getattr(row, name) for name in _NAMES}) for row in rows}


def put(app_id: UUID, quotas: Quotas, now: datetime) -> None:
    """Store an app's quotas, in place of those that it has."""
    values: Mapping[str, Any] = {name: getattr(quotas, name) for name in _NAMES} | {"updated_at": now}
    AppQuotas.insert(app_id=app_id, **values).on_conflict(conflict_target=[AppQuotas.app_id], update=values).execute()


def taken(app_id: UUID, quotas: Quotas, account_id: str | None = None) -> Taken:
    """Returns how much an app, or one account of it, uses of the app's quotas.

    Counts only up to each quota, and nothing without one.
    """
    jobs = Job.select(Job.id).where(Job.app == app_id)
    waiting = Run.select(Run.id).join(Job).where(Job.app == app_id, Run.status == RunStatus.QUEUED)
    if account_id is not None:
        jobs = jobs.where(Job.account_id == account_id)
        waiting = waiting.where(Job.account_id == account_id, Run.account_id == account_id)
    return Taken(_counted(jobs, quotas.jobs), _counted(waiting, quotas.waiting_runs))


def _counted(query: Any, most: int | None) -> int:
    return 0 if most is None else int(query.limit(most).count()) if most > 0 else 0
