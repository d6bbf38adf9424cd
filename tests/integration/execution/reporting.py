"""Runs that were answered with 202, and who reports about them."""

from __future__ import annotations

from core.errors import TransientFailure
from core.states import RunStatus
from services.execution.reports import Sender
from services.execution.work import Deferred, Work
from services.scheduling.run_endings import RunOutcome
from tests.factories import (
    GivenSystem,
    claim_one,
    record,
)

LEASE = 60
DAY = 86_400
FAULT = TransientFailure("The printer is out of paper.")


def sender(work: Work) -> Sender:
    return Sender(work.run_id, work.report_token)


def deferred(system: GivenSystem) -> Work:
    """The next attempt, answered with 202."""
    work = claim_one(system)
    assert record(system, work, Deferred()) == RunOutcome(RunStatus.RUNNING)
    return work
