"""What tests of requested runs begin with: a job that has failed, and a dispatcher."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.principals import LOCAL
from core.schedules import Schedule
from core.states import JobStatus
from services.reading import records
from services.scheduling import dispatching
from tests.factories import (
    GivenSystem,
    first_run,
    refused,
)
from tests.integration.execution.attempting import attempt


def failed_job(system: GivenSystem, schedule: Schedule | None = None, **overrides: Any) -> UUID:
    """A job whose run failed for good."""
    run = first_run(system, schedule, **overrides)
    attempt(system, refused())
    assert records.job(LOCAL, run.job_id).status is JobStatus.FAILED
    system.doorbell.heard()
    system.clock.advance(60)
    return run.job_id


def make_due(system: GivenSystem) -> None:
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
