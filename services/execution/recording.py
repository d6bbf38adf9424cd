"""Record how attempts ended: the attempt, its run, its job and what follows, in one transaction while the fence holds.

Results that come at the same moment share a transaction: see `services.execution.engine`. Outcomes that cannot be
recorded as they are go through `services.execution.careful_recording`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Literal
from uuid import UUID

import structlog

from core import attempt_endings
from core.attempt_endings import Ending, Facts
from core.errors import Aborted, AbortReason
from core.retry import RetryPolicy, after_failure
from core.states import Hold, Outcome, RunStatus
from models import jobs, pauses
from models.hot import endings
from models.hot.rows import EndingRun, Locked
from models.pauses import Gate
from services.apps import quotas
from services.execution import applying, deferred, kept_calls, limits, putting_back, retry_policy
from services.execution.work import Deferred, Failed, HandedIn, Result, Stopped, Succeeded
from services.messaging.unit_of_work import UnitOfWork
from services.runtime import events
from services.scheduling import run_endings
from services.scheduling.run_endings import DecidedEnd, RunOutcome
from services.system import System

log = structlog.get_logger()
_HANDED_BACK = {
    AbortReason.SHUTDOWN: "The worker was stopped.",
    AbortReason.CONNECTION_CLOSED: "The receiver closed a kept connection without an answer.",
    AbortReason.NOT_CONFIRMED: "The database broke off as a worker claimed this, so that none executed it.",
}


class NotRecorded(Enum):
    """Why a result was not recorded."""

    STALE_FENCE = "its fence no longer holds: the run is no longer the worker's"
    LOCKED = "another transaction has locked its job, or the gate of pauses is closed"


@dataclass(frozen=True)
class AwaitsReport:
    """The receiver accepted the work: the run goes on until the report."""

    run: EndingRun


StaleFence = Literal[NotRecorded.STALE_FENCE]
RecordResult = RunOutcome | NotRecorded
Decided = DecidedEnd | AwaitsReport | StaleFence


def record(system: System, ended: Sequence[HandedIn]) -> list[RunOutcome | StaleFence]:
    """Record how attempts ended, all in one transaction, then ring for the polls that follow.

    Raises `DatabaseUnavailable`, or the error that a bad outcome causes; `careful_recording` handles those.
    """
    return [one for one in _record(system, ended, waits_for_locks=True) if one is not NotRecorded.LOCKED]


def record_what_is_free(system: System, ended: Sequence[HandedIn]) -> list[RecordResult]:
    """Record how attempts ended, as `record` does, except those for which it would have to wait for a lock."""
    return _record(system, ended, waits_for_locks=False)


def _record(system: System, ended: Sequence[HandedIn], *, waits_for_locks: bool) -> list[RecordResult]:
    began = system.clock.monotonic()
    with system.transaction(Gate.UNUSED) as unit:
        recorded = record_within(system, unit, ended, waits_for_locks=waits_for_locks)
    after_commit(system, recorded, began)
    return recorded


def record_within(
    system: System, unit: UnitOfWork, ended: Sequence[HandedIn], *, waits_for_locks: bool = False
) -> list[RecordResult]:
    """Record how attempts ended, within the caller's unit of work; call `after_commit` then.

    If not `waits_for_locks`, results for which it would have to wait are left out.
    """
    now = unit.now
    ended = _paced(system, ended)
    job_ids, run_ids = {work.job_id for work, _ in ended}, {work.run_id for work, _ in ended}
    locked = endings.lock(job_ids, run_ids, waits_for_locks=waits_for_locks)
    decided = _decide_each(locked, ended, now, holds_of_handed_back(ended, locked))
    deferred.begin(system, [one.run for one in decided if isinstance(one, AwaitsReport)], now)
    ends = [one for one in decided if isinstance(one, DecidedEnd)]
    if uncalled := _never_begun(ended, decided):
        putting_back.forget_uses(uncalled, now)
    applying.apply(system, unit, ends)
    kept_calls.keep(work for (work, _), one in zip(ended, decided, strict=True) if one is not NotRecorded.STALE_FENCE)
    return [
        NotRecorded.LOCKED if not waits_for_locks and work.job_id not in locked.jobs else for_caller(one)
        for (work, _), one in zip(ended, decided, strict=True)
    ]


def after_commit(system: System, recorded: Sequence[RecordResult], began: float) -> None:
    """Count what was recorded since a monotonic instant, and ring where limits held others. The commit is over."""
    count = sum(one is not NotRecorded.LOCKED for one in recorded)
    events.emit("attempts.recorded", count=count, seconds=system.clock.monotonic() - began)
    ring_where_limits_held(system, recorded)


def _paced(system: System, ended: Sequence[HandedIn]) -> Sequence[HandedIn]:
    """Returns the results, with next polls no sooner than the app's shortest interval, whatever the receiver wants."""
    app_ids = {work.app_id for work, result in ended if _wanted_wait(result) is not None}
    least = quotas.shortest_intervals(system, app_ids) if app_ids else {}
    return [(work, _not_sooner(result, least.get(work.app_id))) for work, result in ended] if least else ended


def _wanted_wait(result: Result) -> float | None:
    return result.poll.next_in_seconds if isinstance(result, Succeeded) and result.poll is not None else None


def _not_sooner(result: Result, least: float | None) -> Result:
    wait = _wanted_wait(result)
    if least is None or wait is None or not isinstance(result, Succeeded) or result.poll is None:
        return result
    return replace(result, poll=replace(result.poll, next_in_seconds=max(wait, least)))


def _decide_each(locked: Locked, ended: Sequence[HandedIn], now: datetime, holds: Mapping[UUID, Hold]) -> list[Decided]:
    """Returns what follows from each result; of two results for one run, the first counts."""
    decided: list[Decided] = []
    taken: set[UUID] = set()
    for attempt in ended:
        run_id = attempt[0].run_id
        decided.append(NotRecorded.STALE_FENCE if run_id in taken else decide(locked, attempt, now, holds))
        if decided[-1] is not NotRecorded.STALE_FENCE:
            taken.add(run_id)
    return decided


def _never_begun(ended: Sequence[HandedIn], decided: Sequence[Decided]) -> list[UUID]:
    """Returns the runs that end attempts which nobody executed, as their claim was not confirmed."""
    never = Stopped(AbortReason.NOT_CONFIRMED)
    return [
        work.run_id
        for (work, result), one in zip(ended, decided, strict=True)
        if result == never and isinstance(one, DecidedEnd)
    ]


def holds_of_handed_back(ended: Sequence[HandedIn], locked: Locked) -> dict[UUID, Hold]:
    """Returns the reasons that hold the jobs whose runs are handed back."""
    handed_back = {work.job_id for work, result in ended if isinstance(result, Stopped) and result.hands_back}
    return pauses.holds(jobs.lock(handed_back & locked.jobs.keys()).values()) if handed_back else {}


def decide(locked: Locked, attempt: HandedIn, now: datetime, holds: Mapping[UUID, Hold]) -> Decided:
    """Decide what follows from a result of a run that may be locked."""
    work, result = attempt
    run = locked.runs.get(work.run_id)
    if run is None or run.fence != work.fence:
        return NotRecorded.STALE_FENCE
    job = locked.jobs[run.job_id]
    if isinstance(result, Deferred) and run.cancel_requested_at is None:
        return AwaitsReport(run)
    facts = run_endings.facts(run, job, work.polling_version)
    ending = _ending(facts, work.policy, result, now, holds.get(job.id))
    return run_endings.consequences(run, job, facts, ending, now)


def for_caller(decided: Decided) -> RunOutcome | StaleFence:
    """Returns the part of an attempt's consequences that callers get."""
    match decided:
        case DecidedEnd():
            return decided.outcome
        case AwaitsReport():
            return RunOutcome(RunStatus.RUNNING)
        case _:
            return decided


def ring_where_limits_held(system: System, recorded: Sequence[RecordResult]) -> None:
    """Ring for as many runs held back by limits as runs have ended. Never raises: the coordinator rings too."""
    freed = sum(isinstance(one, RunOutcome) and one.status is not RunStatus.RUNNING for one in recorded)
    try:
        limits.ring_next(system, freed=freed)
    except Exception:  # the results are recorded nevertheless, so the callers must get them
        log.exception("ring_failed")


def _ending(facts: Facts, policy: RetryPolicy, result: Result, now: datetime, held_by: Hold | None) -> Ending:
    match result:
        case Succeeded(status_code, answer, poll, made, note):
            details = {"status_code": status_code, "answer": answer[: run_endings.ANSWER_KEPT]}
            return attempt_endings.succeed(facts, poll, now, result=made, note=note, **details)
        case Failed(error, answer, made):
            decision = after_failure(policy, facts.failure_count + 1, error, retry_policy.spread(facts.run_id))
            kept_answer = None if answer is None else answer[: run_endings.ANSWER_KEPT]
            return attempt_endings.fail(facts, error, decision, now, answer=kept_answer, result=made)
        case Deferred() | Stopped(AbortReason.CANCELLED):
            return attempt_endings.cancel(facts, Outcome.FAILED, now)
        case Stopped(reason, hands_back=True) if facts.cancel_requested_at is None:
            return attempt_endings.release(facts, now, held_by, why=_HANDED_BACK.get(reason))
        case Stopped(hands_back=True):
            return attempt_endings.cancel(facts, Outcome.RELEASED, now)
        case Stopped(reason):
            raise Aborted(reason)
