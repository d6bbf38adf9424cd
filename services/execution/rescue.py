"""Rescue runs: take them back from workers that are gone, and retry them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from core import attempt_endings
from core.attempt_endings import Ending, Facts
from core.retry import RetryPolicy, after_loss
from core.states import Outcome
from models import attempts, locks, runs
from models.hot import endings
from models.hot.rows import EndingRun, Locked
from models.pauses import Gate
from services.execution import deferred, retry_policy
from services.runtime.batching import Pass, free_in_parts
from services.scheduling import run_endings
from services.scheduling.run_endings import DecidedEnd
from services.system import System


def take_back(system: System, run_ids: Sequence[UUID], *, only_expired: bool) -> Pass[UUID]:
    """Take these runs back from workers that are gone. Returns how many, and those that were passed over.

    One that fails does not stop the others. Runs whose jobs others have locked are passed over until the next call.
    """
    work = partial(_take_back, system, only_expired=only_expired)
    return free_in_parts(partial(work, best_effort=False), run_ids, alone=partial(work, best_effort=True))


def _take_back(
    system: System, run_ids: Sequence[UUID], *, only_expired: bool, best_effort: bool, waits_for_locks: bool
) -> Pass[UUID]:
    """Take these runs back in one transaction; with `only_expired`, renewed leases are left alone.

    If the receiver has sent a heartbeat, the worker died before it could record the 202: such a run waits for its
    report like any other. With `best_effort`, consequences that cannot be written are left out.

    The coordinator, which rescues, also gives the turns and rings for what follows: it looks for both each second.
    """
    with system.transaction(Gate.UNUSED) as unit:
        locks.wait_briefly()
        now = unit.now
        by_job = runs.by_job(run_ids)
        locked = endings.lock(by_job.keys(), run_ids, waits_for_locks=waits_for_locks)
        gone = [run for run in locked.runs.values() if not only_expired or run.lease_expires_at < now]
        taken_on = [run for run in gone if _was_taken_on(run, now)]
        deferred.begin(system, taken_on, now)
        lost = _lose(system, [run for run in gone if run not in taken_on], locked, now)
        run_endings.carry_out(lost, now, best_effort=best_effort)
    return Pass(len(lost), {job_id: ids for job_id, ids in by_job.items() if job_id not in locked.jobs})


def _was_taken_on(run: EndingRun, now: datetime) -> bool:
    """Whether a receiver's heartbeats keep a run alive although its 202 was never recorded."""
    if run.reports_until is not None or run.cancel_requested_at is not None:
        return False
    return run.report_lease_at is not None and bool(run.report_lease_at > now)


def _lose(system: System, lost: Sequence[EndingRun], locked: Locked, now: datetime) -> list[DecidedEnd]:
    """Decide what follows for runs that have neither a worker nor a receiver any more."""
    policies = deferred.policies(system, [run for run in lost if run.reports_until is not None])
    made_with = attempts.polling_versions(run.id for run in lost)
    ends = []
    for run in lost:
        job = locked.jobs[run.job_id]
        facts = run_endings.facts(run, job, made_with.get(run.id))
        ending = _ending(run, facts, policies.get(run.id), now)
        ends.append(run_endings.consequences(run, job, facts, ending, now))
    return ends


def _ending(run: EndingRun, facts: Facts, policy: RetryPolicy | None, now: datetime) -> Ending:
    """Decide what follows for one lost run; it has a policy only if it waited for a report."""
    if policy is not None:
        return deferred.fail(facts, policy, deferred.silence(run), now)
    if facts.cancel_requested_at is not None:
        return attempt_endings.cancel(facts, Outcome.LOST, now)
    return attempt_endings.lose(facts, after_loss(facts.loss_count + 1, retry_policy.spread(facts.run_id)), now)
