"""Runs that no worker is at: their receiver took the work on with a 202, and reports how it went.

Such a run is running: it counts as going, and has a lease, which the receiver's heartbeats renew.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.errors import AttemptError, TransientFailure
from core.retry import after_failure
from models import deferred as awaited
from models.tables import Job, Run
from services.jobs import retry_policy, versions
from services.scheduling import run_endings
from services.scheduling.run_endings import Settlement
from services.system import System


def begin(system: System, deferred: Sequence[Run], now: datetime) -> None:
    """Let these locked runs wait for reports; an early heartbeat may have asked for more than the usual lease."""
    until = now + timedelta(seconds=system.settings.report_limit_seconds)
    lease = now + timedelta(seconds=system.settings.report_lease_seconds)
    awaited.begin(
        (run.id, {"reports_until": until, "lease_expires_at": min(until, max(lease, run.report_lease_at or lease))})
        for run in deferred
    )


def fail(system: System, run: Run, job: Job, error: AttemptError, now: datetime) -> Settlement:
    """What follows when a locked run has failed without a worker that would know its policy."""
    policy = retry_policy.policy(system, versions.to_execute([run])[run.id])
    decision = after_failure(policy, run.failure_count + 1, error, retry_policy.spread(run.id))
    return run_endings.fail(run, job, error, decision, now, answer=None)


def silence(run: Run) -> TransientFailure:
    """The failure of a run of which no report came in time."""
    if run.lease_expires_at >= run.reports_until:
        return TransientFailure("The receiver did not report the end within the time that a run may wait for reports.")
    return TransientFailure("The receiver answered 202, and then let its lease run out without a report.")
