"""A job that runs each minute, and the explanations of its runs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.principals import LOCAL
from core.schedules import Interval
from services.jobs import creating
from services.reading.explaining import explanations
from services.reading.explaining.explanations import Explanation
from services.scheduling import dispatching, planning
from tests.factories import GivenSystem, new_job


def minutely(system: GivenSystem, **options: object) -> UUID:
    return creating.create(LOCAL, system, new_job(Interval(every_seconds=60), **options))


def why(system: GivenSystem, job_id: UUID, at: datetime) -> Explanation:
    return explanations.explain(LOCAL, system, job_id, at)


def come(system: GivenSystem, seconds: float) -> None:
    system.clock.advance(seconds)
    planning.plan(system)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
