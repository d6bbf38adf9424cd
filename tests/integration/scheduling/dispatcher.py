"""The dispatcher's look and grasp, in one step."""

from __future__ import annotations

from uuid import UUID

from core.schedules import Cron
from core.states import RunStatus
from services.scheduling import dispatching, planning
from tests.factories import (
    GivenSystem,
    runs_of,
)

EVERY_MINUTE = Cron("* * * * *")


def dispatch(system: GivenSystem) -> int:
    """One pass of the dispatcher: look ahead, then make due what has come; how many were queued."""
    return dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def next_minute(system: GivenSystem) -> int:
    system.clock.advance(60)
    planning.plan(system)
    return dispatch(system)


def statuses(job_id: UUID) -> list[RunStatus]:
    return [run.status for run in runs_of(job_id)]
