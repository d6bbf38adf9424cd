"""Runs that took a given time."""

from __future__ import annotations

from uuid import UUID

from core import schedules
from core.principals import LOCAL
from services.jobs import creating, requested_runs
from tests.factories import GivenSystem, claim, claim_one, new_job, record, refused, succeeded

YEARLY = schedules.Cron("0 0 1 1 *")


def ran(system: GivenSystem, *seconds: float, failures: int = 0, **changes: object) -> UUID:
    """A job of which runs have completed that took so long, and others have failed."""
    job_id = creating.create(LOCAL, system, new_job(YEARLY, max_retries=0, **changes))
    for took in (*seconds, *[600.0] * failures):
        requested_runs.trigger(LOCAL, system, job_id)
        work = claim_one(system)
        system.clock.advance(took)
        record(system, work, refused() if took == 600 else succeeded())
    return job_id


def run_for(system: GivenSystem, job_id: UUID, seconds: float) -> None:
    """Have the job run once, for so long."""
    requested_runs.trigger(LOCAL, system, job_id)
    [work] = claim(system)
    system.clock.advance(seconds)
    record(system, work, succeeded())
