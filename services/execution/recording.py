"""Record how attempts ended: the attempt, its run, its job and what follows, in one transaction while the fence holds.

Records that wait at the same moment share a transaction: see `services.execution.batching`. An outcome that cannot be
recorded as it is, is one for `services.execution.careful_recording`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from core import attempt_endings
from core.attempt_endings import Ending, Facts
from core.errors import Aborted, AbortReason
from core.retry import after_failure
from core.states import Outcome, RunStatus
from models import claims, jobs, pauses
from models.tables import Job, Run
from services.execution import deferred, limits
from services.execution.work import Deferred, Failed, Result, Stopped, Succeeded, Work
from services.jobs import retry_policy
from services.messaging.unit_of_work import UnitOfWork
from services.scheduling import overlap_queue, run_endings
from services.scheduling.run_endings import Settled, Settlement
from services.system import System

log = structlog.get_logger()


def record(system: System, ended: Sequence[tuple[Work, Result]]) -> list[Settled | None]:
    """Record how attempts ended, all in one transaction, then ring for the polls that follow.

    None for an attempt whose fence no longer holds: someone else has the run, and this result is refused. Raises
    `DatabaseUnavailable`, or whatever one of the outcomes is to blame for; `careful_recording` is for those.
    """
    with system.transaction() as unit:
        now = unit.now
        locked = jobs.lock(work.job_id for work, _ in ended)
        running = claims.running(work.run_id for work, _ in ended)
        paused = paused_of_handed_back(ended, locked)
        ends = [decide(running.get(one[0].run_id), locked[one[0].job_id], one, now, paused) for one in ended]
        deferred.begin(system, [end for end in ends if isinstance(end, Run)], now)
        carried_out = [end for end in ends if isinstance(end, Settlement)]
        run_endings.carry_out(carried_out, now)
        next_in_turn = overlap_queue.give(system, {one.job.id: one.job for one in carried_out if one.job_comes_back})
        settled = [told(end) for end in ends]
        ring_for_what_follows(system, unit, settled, next_in_turn)
    ring_where_limits_held(system, settled)
    return settled


def paused_of_handed_back(ended: Sequence[tuple[Work, Result]], locked: Mapping[UUID, Job]) -> set[UUID]:
    """Those of the jobs whose runs are handed back that are paused."""
    handed_back = [locked[work.job_id] for work, result in ended if result == Stopped(AbortReason.SHUTDOWN)]
    return pauses.paused(handed_back) if handed_back else set()


def decide(
    run: Run | None, job: Job, attempt: tuple[Work, Result], now: datetime, paused: Collection[UUID]
) -> Settlement | Run | None:
    """What follows from a result: the run itself where it waits for a report, None where the fence no longer holds."""
    work, result = attempt
    if run is None or run.fence != work.fence:
        return None
    if isinstance(result, Deferred) and run.cancel_requested_at is None:
        return run
    ending = _ending(run_endings.facts(run, job), work, result, now, job_is_held=job.id in paused)
    return run_endings.settle(run, job, ending, now)


def told(end: Settlement | Run | None) -> Settled | None:
    """Returns what follows, as the caller is told it."""
    match end:
        case Settlement():
            return end.settled
        case Run():
            return Settled(RunStatus.RUNNING)
        case _:
            return None


def ring_for_what_follows(
    system: System, unit: UnitOfWork, settled: Sequence[Settled | None], next_in_turn: Sequence[Run]
) -> None:
    """Ring, after the commit, for next polls within the window and for runs that waited for those that ended."""
    follow = [one.next_poll for one in settled if one is not None and one.next_poll is not None]
    unit.ring([*follow, *next_in_turn], timedelta(seconds=system.settings.window_seconds))


def ring_where_limits_held(system: System, settled: Sequence[Settled | None]) -> None:
    """Ring for runs that a limit kept from starting, as many as have ended. Never raises: the coordinator rings too."""
    freed = sum(one is not None and one.status is not RunStatus.RUNNING for one in settled)
    try:
        limits.ring_next(system, freed=freed)
    except Exception:  # what is recorded stays so, and is told so
        log.exception("ring_failed")


def _ending(facts: Facts, work: Work, result: Result, now: datetime, *, job_is_held: bool) -> Ending:
    match result:
        case Succeeded(status_code, answer, poll, made, note):
            details = {"status_code": status_code, "answer": answer[: run_endings.ANSWER_KEPT]}
            return attempt_endings.succeed(facts, poll, work.polling_version, now, result=made, note=note, **details)
        case Failed(error, answer, made):
            decision = after_failure(work.policy, facts.failure_count + 1, error, retry_policy.spread(facts.run_id))
            kept_answer = None if answer is None else answer[: run_endings.ANSWER_KEPT]
            return attempt_endings.fail(facts, error, decision, now, answer=kept_answer, result=made)
        case Deferred() | Stopped(AbortReason.CANCELLED):
            return attempt_endings.cancel(facts, Outcome.FAILED, now)
        case Stopped(AbortReason.SHUTDOWN) if facts.cancel_requested_at is None:
            return attempt_endings.release(facts, now, job_is_held=job_is_held)
        case Stopped(AbortReason.SHUTDOWN):
            return attempt_endings.cancel(facts, Outcome.RELEASED, now)
        case Stopped(reason):
            raise Aborted(reason)
