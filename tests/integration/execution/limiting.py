"""Limits that tests put, jobs under them, and which of their runs are held."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.limits import Limit
from core.principals import LOCAL
from core.rates import Rate
from core.states import Hold, RunStatus
from services.apps import apps
from services.execution import limit_changes
from services.jobs import creating
from tests.factories import GivenSystem, new_job, runs_of


def put(system: GivenSystem, key: str, concurrency: int | None = None, rate: Rate | None = None, **more: Any) -> None:
    apps.ensure(LOCAL, system, "app_a")
    limit_changes.put(LOCAL, system, key, Limit(concurrency, rate, **more))


def create(system: GivenSystem, count: int = 1, **changes: Any) -> list[UUID]:
    return [creating.create(LOCAL, system, new_job(**changes)) for _ in range(count)]


def held(job_ids: list[UUID]) -> list[tuple[Hold | None, str | None]]:
    runs = [run for job_id in job_ids for run in runs_of(job_id)]
    return [(run.held_by, run.held_key) for run in runs if run.status is RunStatus.QUEUED]
