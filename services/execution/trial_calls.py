"""Test calls: what a job sends, sent once and marked, to see what comes back. No run is made, and nothing recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.auditing import Thing
from core.errors import Aborted, AbortReason, Conflict
from core.principals import Principal
from core.scopes import Scope as Allowed
from models import jobs, versions
from models.fields import new_id
from models.pauses import Gate
from services.execution import report_tokens
from services.execution.claiming import callback_url
from services.execution.traces import BODY_KEPT
from services.execution.work import Deferred, Failed, Result, Succeeded, Work
from services.jobs import retry_policy
from services.messaging import broker as brokers
from services.reading import visibility
from services.runtime.abort_scope import Scope
from services.secrets import signers
from services.system import System

LONGEST_SECONDS = 10.0
"""Whoever waits for it has a page open."""
MOST_AT_ONCE = 2

_places = threading.BoundedSemaphore(MOST_AT_ONCE)


@dataclass(frozen=True)
class TrialCall:
    """A call as it went: what it told of itself, what was answered, and what a run would have made of it."""

    outcome: str
    error_type: str | None
    error_message: str | None
    answer: str | None
    call: Any


def make(principal: Principal, system: System, job_id: UUID) -> TrialCall:
    """Make the call of a job once, marked by `X-Carillon-Test: true`; limits and pauses do not hold it.

    Raises `NotFound`, `Forbidden`, and `Conflict` for a job that makes no HTTP call, or while two calls are under way.
    """
    visibility.expect(principal, job_id, Allowed.OPERATE)
    if system.perform_call is None:
        raise Conflict("This process makes no calls; ask a web process of the installation.")
    with _place():
        work = _work(principal, system, job_id)
        result = _performed(system, work)
    return _told(work, result)


def _work(principal: Principal, system: System, job_id: UUID) -> Work:
    with system.transaction(Gate.UNUSED) as unit:
        visibility.expected(principal, jobs.by_id(job_id), job_id, Allowed.OPERATE)
        stored = jobs.to_execute([job_id])[job_id]
        if stored.queue != brokers.RUNS_HTTP:
            raise Conflict(f"A job of the type {stored.task_type} makes no HTTP call of its own; run it instead.")
        job = versions.executed(stored)
        signer = signers.of_apps(system, {job.app_id})[job.app_id]
        unit.audit(principal, "job.test_called", Thing.job(stored))
        scheduled_for = unit.now
    return Work(
        run_id=new_id(),
        job_id=job_id,
        attempt=1,
        fence=0,
        scheduled_for=scheduled_for,
        task_type=job.task_type,
        url=callback_url(system, job),
        board_id=job.board_id,
        data=job.data,
        policy=retry_policy.policy(system, job),
        time_limit_seconds=min(LONGEST_SECONDS, job.time_limit_seconds or LONGEST_SECONDS),
        polling_state=job.polling_state,
        polling_version=job.polling_version,
        claimed_monotonic=system.clock.monotonic(),
        report_token=report_tokens.new(),  # kept nowhere, so that reports are refused
        app_id=job.app_id,
        signer=signer,
        request=None if job.callback_url is not None else job.policy.request,
        is_test=True,
    )


def _performed(system: System, work: Work) -> Result | None:
    """Returns the result of the call; None if it took too long."""
    assert system.perform_call is not None  # noqa: S101  the caller has looked
    scope = Scope()
    timer = threading.Timer(work.time_limit_seconds, scope.abort, [AbortReason.TIME_LIMIT])
    timer.daemon = True
    timer.start()
    try:
        result: Result = system.perform_call(system, work, scope)
    except Aborted:
        return None
    finally:
        timer.cancel()
    return result


def _told(work: Work, result: Result | None) -> TrialCall:
    call = work.trace.told()
    match result:
        case Succeeded(answer=answer):
            return TrialCall("succeeded", None, None, answer[:BODY_KEPT], call)
        case Deferred():
            return TrialCall("deferred", None, None, None, call)
        case Failed(error, answer):
            kind = "permanent" if error.permanent else "transient"
            return TrialCall("failed", kind, error.message, None if answer is None else answer[:BODY_KEPT], call)
        case _:
            message = f"It took longer than its limit of {work.time_limit_seconds:g} s."
            return TrialCall("failed", "transient", message, None, call)


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise Conflict(f"{MOST_AT_ONCE} test calls are under way in this process; try again in a moment.")
    try:
        yield
    finally:
        _places.release()
