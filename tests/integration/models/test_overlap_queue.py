"""Queries on the overlap queue."""

from __future__ import annotations

from datetime import timedelta

from core.policies import Overlap
from core.principals import LOCAL
from core.schedules import Interval
from models import database
from models import overlap_queue as queries
from services.jobs import backfill, creating
from services.scheduling import dispatching
from tests.factories import GivenSystem, new_job


def test_of_many_that_wait_for_their_turn_only_the_next_is_read(system: GivenSystem) -> None:
    span = system.clock.now() - timedelta(minutes=3), system.clock.now()
    schedule = Interval(every_seconds=60, starts_at=span[0])
    job_id = creating.create(LOCAL, system, new_job(schedule, overlap=Overlap.QUEUE_ONE))
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    assert backfill.backfill(LOCAL, system, job_id, *span).made == 3
    with database.transaction():
        [following] = queries.lock_next([job_id])
        waiting = queries.lock_next([], overlapping=[job_id])
    assert len(waiting) == 3
    assert following.id == min(waiting, key=lambda run: run.scheduled_for).id
