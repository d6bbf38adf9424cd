"""Runs that no worker is at: their receiver took the work on with a 202, and reports how it went.

Such a run is running: it counts as going, and has a lease, which the receiver's heartbeats renew.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from core import attempt_endings
from core.attempt_endings import Ending, Facts
from core.errors import AttemptError, TransientFailure
from core.retry import RetryPolicy, after_failure
from models import deferred as awaited
from models.hot.rows import EndingRun
from services.jobs import retry_policy, versions
from services.system import System


def begin(system: System, deferred: Sequence[EndingRun], now: datetime) -> None:
    """Let these locked runs wait for reports; an early heartbeat may have asked for more than the usual lease."""
    until = now + timedelta(seconds=system.settings.report_limit_seconds)
    lease = now + timedelta(seconds=system.settings.report_lease_seconds)
    awaited.begin(
        (run.id, {"reports_until": until, "lease_expires_at": min(until, max(lease, run.report_lease_at or lease))})
        for run in deferred
    )


def policies(system: System, deferred: Sequence[EndingRun]) -> dict[UUID, RetryPolicy]:
    """The retry policies of these runs, each in the version of its job that it carries."""
    executed = versions.to_execute(deferred) if deferred else {}
    return {run_id: retry_policy.policy(system, job) for run_id, job in executed.items()}


def fail(facts: Facts, policy: RetryPolicy, error: AttemptError, now: datetime) -> Ending:
    """What follows when a run that waited for its report has failed."""
    decision = after_failure(policy, facts.failure_count + 1, error, retry_policy.spread(facts.run_id))
    return attempt_endings.fail(facts, error, decision, now, answer=None)


def silence(run: EndingRun) -> TransientFailure:
    """The failure of a run of which no report came in time."""
    if run.reports_until is not None and run.lease_expires_at >= run.reports_until:
        return TransientFailure("The receiver did not report the end within the time that a run may wait for reports.")
    return TransientFailure("The receiver answered 202, and then let its lease run out without a report.")
