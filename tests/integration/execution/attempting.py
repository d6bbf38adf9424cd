"""Attempts that end as a test wants them to."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.errors import AbortReason
from core.states import RunStatus
from services.execution.work import Result, Stopped, Work
from services.scheduling import dispatching
from services.scheduling.run_endings import RunOutcome
from tests.factories import GivenSystem, claim_one, record, stored_run

CANCELLED = Stopped(AbortReason.CANCELLED)
SHUTDOWN = Stopped(AbortReason.SHUTDOWN)
LEASE_SECONDS = 60.0


def attempt(system: GivenSystem, result: Result) -> tuple[Work, RunOutcome]:
    """Record this result for the next attempt. Returns the attempt and what followed."""
    work = claim_one(system)
    outcome = record(system, work, result)
    assert outcome is not None
    return work, outcome


def make_due_again(system: GivenSystem, run_id: UUID) -> None:
    """Advance the clock to the instant of a waiting run, and make it due."""
    waits = stored_run(run_id).due_at - system.clock.now()
    system.clock.advance(max(0.0, waits.total_seconds()))
    assert dispatching.make_due(system, [run_id]) == 1


def attempts_until_the_end(system: GivenSystem, run_id: UUID, result: Result) -> int:
    """Record this result for every attempt. Returns how many there were."""
    count = 0
    while True:
        _, outcome = attempt(system, result)
        count += 1
        if outcome.retry_at is None:
            assert stored_run(run_id).status is RunStatus.FAILED
            return count
        make_due_again(system, run_id)


def waited(outcome: RunOutcome, since: datetime) -> float:
    assert outcome.retry_at is not None
    return (outcome.retry_at - since).total_seconds()
