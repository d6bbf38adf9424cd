"""Claim runs, keep their leases, record what came of them.

Claims that wait at the same moment share a statement, and so do records: see `services.execution.batching`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from core.errors import Aborted, AbortReason, AttemptError
from core.receiver_answers import PollAnswer
from core.retry import RetryPolicy, after_failure, after_loss
from core.states import Outcome, RunStatus
from models import attempts, claims, jobs, runs, workers
from models.fields import new_id
from models.pauses import Gate
from models.tables import Job, Run
from services.execution import deferred, limits, report_tokens
from services.execution.limits import Lease
from services.jobs import retry_policy, versions
from services.messaging.unit_of_work import UnitOfWork
from services.scheduling import overlap_queue, run_endings
from services.scheduling.run_endings import Settled, Settlement
from services.system import System
from services.task_types import registry

_MOST_LOOKS = 10
log = structlog.get_logger()


@dataclass(frozen=True)
class WorkerIdentity:
    """A process that executes runs."""

    id: UUID
    threads: int


@dataclass(frozen=True)
class Work:
    """One claimed attempt: all that a handler needs, and the fence under which its result counts."""

    run_id: UUID
    job_id: UUID
    attempt: int
    fence: int
    scheduled_for: datetime
    task_type: str
    url: str | None
    board_id: Any
    data: Any
    policy: RetryPolicy
    time_limit_seconds: float
    polling_state: dict[str, Any] | None
    polling_version: int
    claimed_monotonic: float
    report_token: str = field(repr=False)  # never in a log
    request: dict[str, Any] | None = None  # what the app's table maps the task type to


@dataclass(frozen=True)
class Succeeded:
    """The handler did its work. `result` is what it made of it, as JSON; a callback's answer is not kept there."""

    status_code: int | None
    answer: str
    poll: PollAnswer | None = None
    result: Any = None
    note: str | None = None  # what of it could not be kept


@dataclass(frozen=True)
class Deferred:
    """The receiver took the work on, and will report how it went."""


@dataclass(frozen=True)
class Failed:
    """The handler could not do its work. `result` is what it leaves all the same, as JSON."""

    error: AttemptError
    answer: str | None = None
    result: Any = None


@dataclass(frozen=True)
class Stopped:
    """The attempt was stopped from outside."""

    reason: AbortReason


Result = Succeeded | Deferred | Failed | Stopped


def register_worker(system: System) -> WorkerIdentity:
    """Record that this process now executes runs."""
    worker = WorkerIdentity(new_id(), system.settings.worker_threads)
    with system.transaction(Gate.UNUSED):
        workers.register(worker.id, socket.gethostname(), os.getpid(), worker.threads, system.clock.now())
    return worker


def sign_off(system: System, worker: WorkerIdentity) -> None:
    """Record that this process executes no more runs."""
    with system.transaction(Gate.UNUSED):
        workers.stop(worker.id, system.clock.now())


def claim(system: System, worker: WorkerIdentity, queue: str, limit: int) -> list[Work]:
    """Take the most urgent claimable runs of a queue, at most so many, each under a lease of its own."""
    taken: list[Work] = []
    for _ in range(_MOST_LOOKS):
        claimed, held_others = _claim(system, worker, queue, limit - len(taken))
        taken += claimed
        if not held_others or len(taken) == limit:
            break
    return taken


def renew(system: System, worker: WorkerIdentity, leases: dict[UUID, int]) -> dict[UUID, bool]:
    """Renew this process's leases (run: fence) in one statement: for each still held, whether to cancel it."""
    with system.transaction(Gate.UNUSED) as unit:
        now = unit.now
        workers.heartbeat(worker.id, now)
        if not leases:
            return {}
        return claims.renew(leases, worker.id, now + timedelta(seconds=system.settings.lease_seconds))


def record(system: System, ended: Sequence[tuple[Work, Result]]) -> list[Settled | None]:
    """Record how attempts ended, all in one transaction, then ring for the polls that follow.

    None for an attempt whose fence no longer holds: someone else has the run, and this result is refused. Raises
    `DatabaseUnavailable`, or whatever one of the outcomes is to blame for; `recording` is for those.
    """
    with system.transaction() as unit:
        now = unit.now
        locked = jobs.lock(work.job_id for work, _ in ended)
        running = claims.running(work.run_id for work, _ in ended)
        ends = [decide(running.get(work.run_id), locked[work.job_id], work, result, now) for work, result in ended]
        deferred.begin(system, [end for end in ends if isinstance(end, Run)], now)
        carried_out = [end for end in ends if isinstance(end, Settlement)]
        run_endings.carry_out(carried_out, now)
        next_in_turn = overlap_queue.give(system, {one.job.id: one.job for one in carried_out if one.job_comes_back})
        settled = [told(end) for end in ends]
        ring_for_what_follows(system, unit, settled, next_in_turn)
    ring_where_limits_held(system, settled)
    return settled


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


def rescue(system: System, run_ids: Sequence[UUID], *, only_expired: bool, carefully: bool = False) -> int:
    """Take these runs back from workers that are gone; how many. A run that was renewed meanwhile is left alone.

    Where the receiver has reported that it is at work, the worker died before it could record the 202: such a run waits
    for its report like any other. `carefully` leaves out what cannot be written of it.
    """
    with system.transaction(Gate.UNUSED) as unit:
        now = unit.now
        locked = jobs.lock(runs.job_ids(run_ids))
        gone = [run for run in claims.running(run_ids).values() if not only_expired or run.lease_expires_at < now]
        taken_on = [run for run in gone if _was_taken_on(run, now)]
        deferred.begin(system, taken_on, now)
        lost = [_lose(system, run, locked[run.job_id], now) for run in gone if run not in taken_on]
        run_endings.carry_out(lost, now, carefully=carefully)
    return len(lost)


def _claim(system: System, worker: WorkerIdentity, queue: str, limit: int) -> tuple[list[Work], bool]:
    """What was claimed in one look; whether the most urgent were held instead, so that another look is due."""
    monotonic = system.clock.monotonic()
    now = system.clock.now()
    lease = Lease(worker.id, now, now + timedelta(seconds=system.settings.lease_seconds))
    with system.transaction(Gate.UNUSED):
        claimed = limits.claim(system, queue, limit, lease)
        if not claimed.runs:
            return [], claimed.held_others
        wanted = versions.to_execute(claimed.runs)
        sent = {run.id: report_tokens.new() for run in claimed.runs}
        counts = limits.rate_of(system.settings, queue) is not None
        opened = {run.id: _opened(run, sent[run.id], wanted[run.id], counts=counts) for run in claimed.runs}
        attempts.open_for(claimed.runs, now, opened)
        works = [_work(system, run, wanted[run.id], monotonic, sent[run.id]) for run in claimed.runs]
    return works, claimed.held_others


def told(end: Settlement | Run | None) -> Settled | None:
    """What a caller is told of what follows."""
    match end:
        case Settlement():
            return end.settled
        case Run():
            return Settled(RunStatus.RUNNING)
        case _:
            return None


def _was_taken_on(run: Run, now: datetime) -> bool:
    """Whether a receiver keeps a run alive of which no 202 was recorded."""
    if run.reports_until is not None or run.cancel_requested_at is not None:
        return False
    return run.report_lease_at is not None and bool(run.report_lease_at > now)


def _lose(system: System, run: Run, job: Job, now: datetime) -> Settlement:
    if run.reports_until is not None:
        return deferred.fail(system, run, job, deferred.silence(run), now)
    if run.cancel_requested_at is not None:
        return run_endings.cancel(run, job, Outcome.LOST, now)
    return run_endings.lose(run, job, after_loss(run.loss_count + 1, retry_policy.spread(run.id)), now)


def decide(run: Run | None, job: Job, work: Work, result: Result, now: datetime) -> Settlement | Run | None:
    """What follows from a result: the run itself where it waits for a report, None where the fence no longer holds."""
    if run is None or run.fence != work.fence:
        return None
    if isinstance(result, Deferred) and run.cancel_requested_at is None:
        return run
    return _settle(run, job, work, result, now)


def _settle(run: Run, job: Job, work: Work, result: Result, now: datetime) -> Settlement:
    match result:
        case Succeeded(status_code, answer, poll, made, note):
            kept = answer[: run_endings.ANSWER_KEPT]
            details = {"status_code": status_code, "answer": kept}
            return run_endings.succeed(run, job, poll, work.polling_version, now, result=made, note=note, **details)
        case Failed(error, answer, made):
            decision = after_failure(work.policy, run.failure_count + 1, error, retry_policy.spread(run.id))
            kept_answer = None if answer is None else answer[: run_endings.ANSWER_KEPT]
            return run_endings.fail(run, job, error, decision, now, answer=kept_answer, result=made)
        case Deferred() | Stopped(AbortReason.CANCELLED):
            return run_endings.cancel(run, job, Outcome.FAILED, now)
        case Stopped(AbortReason.SHUTDOWN) if run.cancel_requested_at is None:
            return run_endings.release(run, job, now)
        case Stopped(AbortReason.SHUTDOWN):
            return run_endings.cancel(run, job, Outcome.RELEASED, now)
        case Stopped(reason):
            raise Aborted(reason)


def _opened(run: Run, token: str, job: Job, *, counts: bool) -> dict[str, Any]:
    """What an attempt keeps from its beginning: what a report about it needs, and whose permit it takes."""
    account_id = run.account_id if counts else None
    return {"token_hash": report_tokens.digest(token), "polling_version": job.polling_version, "account_id": account_id}


def _work(system: System, run: Run, job: Job, monotonic: float, report_token: str) -> Work:
    polls = job.polling_state is not None
    return Work(
        run_id=run.id,
        job_id=job.id,
        attempt=run.attempt_count,
        fence=run.fence,
        scheduled_for=run.scheduled_for,
        task_type=job.task_type,
        url=callback_url(system, job),
        board_id=job.board_id,
        data=job.data if run.data is None else run.data,
        policy=retry_policy.policy(system, job),
        time_limit_seconds=job.time_limit_seconds or registry.time_limit(system.settings, job.task_type),
        request=_request(job),
        polling_state=job.polling_state if polls else None,
        polling_version=job.polling_version,
        claimed_monotonic=monotonic,
        report_token=report_token,
    )


def _request(job: Job) -> dict[str, Any] | None:
    """What the app's table maps the task type to; an address of the job's own goes before it."""
    mapped: dict[str, Any] | None = getattr(getattr(job, "policy", None), "request", None)
    return None if job.callback_url is not None else mapped


def callback_url(system: System, job: Job) -> str | None:
    """Where a job calls back: its own address, else its app's or the installation's base and the task type."""
    if job.callback_url is not None:
        return str(job.callback_url)
    base = job.app.callback_base_url or system.settings.callback_base_url
    return None if base is None else f"{base.rstrip('/')}/internal/jobs/{job.task_type}"
