"""Jobs that come back, and their occurrences by the minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from core.principals import LOCAL
from core.schedules import Cron
from core.states import RunStatus
from services.jobs import creating
from services.scheduling import planning
from tests.factories import (
    NOON,
    GivenSystem,
    new_job,
    runs_of,
)

EVERY_MINUTE = "* * * * *"


def made(system: GivenSystem, expression: str = EVERY_MINUTE, **limits: object) -> UUID:
    """A job that comes back, made now."""
    return creating.create(LOCAL, system, new_job(Cron(expression, **limits)))  # type: ignore[arg-type]  # as each test gives


def plan_all(system: GivenSystem) -> None:
    while planning.plan(system) == planning.BATCH:
        pass


def minutes(job_id: UUID, status: RunStatus | None = None) -> list[float]:
    """For which minutes after noon a job has rows (of that status)."""
    rows = [run for run in runs_of(job_id) if status in (None, run.status)]
    return [(run.scheduled_for - NOON) / timedelta(minutes=1) for run in rows]


def in_minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def after_an_outage(system: GivenSystem, expression: str = EVERY_MINUTE, *, minutes: float) -> UUID:
    """A job made at noon, planned again so many minutes later, all that was planned before having been made due."""
    job_id = made(system, expression)
    system.clock.advance(minutes * 60)
    plan_all(system)
    return job_id
