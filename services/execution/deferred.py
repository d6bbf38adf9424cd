"""Runs that wait for a report: their receiver accepted the work with a 202, and will report how it went.

Such a run has the status `running`, but no worker; its receiver's heartbeats renew its lease.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from core import attempt_endings
from core.attempt_endings import Ending, Facts
from core.errors import AttemptError, TransientFailure
from core.retry import RetryPolicy, after_failure
from models import deferred as deferred_rows
from models.hot.rows import EndingRun
from services.execution import executed_jobs, retry_policy
from services.system import System


def begin(system: System, deferred: Sequence[EndingRun], now: datetime) -> None:
    """Make these locked runs wait for reports, under the usual lease or a longer one that an early heartbeat set."""
    until = now + timedelta(seconds=system.settings.report_limit_seconds)
    lease = now + timedelta(seconds=system.settings.report_lease_seconds)
    deferred_rows.begin(
        [
            (run.id, {"reports_until": until, "lease_expires_at": min(until, max(lease, run.report_lease_at or lease))})
            for run in deferred
        ]
    )


def policies(system: System, deferred: Sequence[EndingRun]) -> dict[UUID, RetryPolicy]:
    """Returns the retry policy of each of these runs, from the version of the job that the run was made from."""
    executed = executed_jobs.to_execute(deferred) if deferred else {}
    return {run_id: retry_policy.policy(system, job) for run_id, job in executed.items()}


def fail(facts: Facts, policy: RetryPolicy, error: AttemptError, now: datetime) -> Ending:
    """Decide what follows when a run that waited for its report has failed."""
    decision = after_failure(policy, facts.failure_count + 1, error, retry_policy.spread(facts.run_id))
    return attempt_endings.fail(facts, error, decision, now, answer=None)


def silence(run: EndingRun) -> TransientFailure:
    """Returns the failure of a run whose report did not come in time."""
    if run.reports_until is not None and run.lease_expires_at >= run.reports_until:
        return TransientFailure("The receiver did not report the end within the time that a run may wait for reports.")
    return TransientFailure("The receiver answered 202, and then let its lease run out without a report.")
