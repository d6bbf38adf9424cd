"""Test calls: send a job's request once, marked as a test, and show the answer. No run is created or recorded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core import built_in_apps
from core.auditing import Thing
from core.errors import Aborted, AbortReason, Conflict, InvalidInput
from core.principals import Principal
from core.scopes import Scope
from models import database, jobs, pauses, versions
from models.fields import new_id
from models.hot.rows import ExecutedJob
from models.pauses import Gate
from models.tables import App
from services.access import visible_apps
from services.apps import quotas
from services.execution import report_tokens, retry_policy, test_call_places
from services.execution.transcripts import BODY_KEPT
from services.execution.work import Deferred, Failed, Result, Succeeded, Work
from services.messaging import broker as brokers
from services.reading import visibility
from services.runtime import spans
from services.runtime.abort_scope import AbortScope
from services.secrets import signers
from services.system import System
from services.task_types import registry, targets

LONGEST_SECONDS = 10.0
"""Somebody waits for it with a page open."""


@dataclass(frozen=True)
class TestCall:
    """A test call: the request, the answer, and the outcome that a run would have had.

    It is `undecided` if no answer came while the test waited, and a run waits longer.
    """

    outcome: str
    error_type: str | None
    error_message: str | None
    answer: str | None
    call: Any


@dataclass(frozen=True)
class _Begun:
    """The work of a test call, and how many seconds a run of it may take."""

    work: Work
    limit_of_run: float


def of_job(principal: Principal, system: System, job_id: UUID) -> TestCall:
    """Make the call of a job once, marked by `X-Carillon-Test: true`; limits do not apply.

    Callers hold a place (`test_call_places`). The result shows the job's data and the receiver's answer, so `read` is
    required, too. Raises `NotFound`, `Forbidden`, `Conflict` for a job that makes no HTTP call or whose app or
    installation is paused, and `TooMany` while another call is under way for its app or of this caller.
    """
    with database.reading():
        visibility.expected(principal, jobs.by_id(job_id), job_id, Scope.READ)
        job = visibility.expected(principal, jobs.by_id(job_id), job_id, Scope.OPERATE)
    return _made(principal, system, job.app, lambda: _work_of_job(principal, system, job_id))


def of_app(principal: Principal, system: System, name: str, task_type: str, data: dict[str, Any] | None) -> TestCall:
    """Call the receiver of an app once, as for a job of one of its task types with this data; as `of_job` does.

    The caller chooses the data, as for a new job, so `jobs` is required, and the call counts against the app's quota.
    Raises `InvalidInput` also for a task type that Carillon performs itself.
    """
    with database.reading():
        app = visible_apps.found(principal, name, Scope.JOBS)
    if registry.find(task_type) is not None:
        raise InvalidInput.at("task_type", f"is {task_type}, which Carillon does itself; name one that the app does.")
    return _made(principal, system, app, lambda: _work_of_app(principal, system, name, task_type, data))


def _made(principal: Principal, system: System, app: App, begin: Callable[[], _Begun]) -> TestCall:
    if system.perform_call is None:
        raise Conflict("This process makes no calls; ask a web process of the installation.")
    with test_call_places.turn_of(app.id, principal.person_id, is_shared=app.name in built_in_apps.NAMES):
        begun = begin()
        result = _performed(system, begun.work)
    return _as_test_call(begun, result)


def _work_of_job(principal: Principal, system: System, job_id: UUID) -> _Begun:
    with system.transaction(Gate.UNUSED) as unit:
        job = visibility.expected(principal, jobs.by_id(job_id), job_id, Scope.OPERATE)
        _refuse_paused(job.app)
        stored = jobs.to_execute([job_id])[job_id]
        if stored.queue != brokers.RUNS_HTTP:
            raise Conflict(f"A job of the type {stored.task_type} makes no HTTP call of its own; run it instead.")
        unit.audit(principal, "job.test_called", Thing.job(stored))
        return _work(principal, system, job_id, versions.executed(stored), unit.now)


def _work_of_app(
    principal: Principal, system: System, name: str, task_type: str, data: dict[str, Any] | None
) -> _Begun:
    with system.transaction(Gate.UNUSED) as unit:
        app = visible_apps.found(principal, name, Scope.JOBS)
        _refuse_paused(app)
        quotas.check_payload(system, app.id, data)
        unit.audit(principal, "app.test_called", Thing.app(app), after={"task_type": task_type, "data": data})
        return _work(principal, system, new_id(), versions.executed_for(app, task_type, data), unit.now)


def _refuse_paused(app: App) -> None:
    if pauses.everything_paused_at() is not None:
        raise Conflict("Everything is paused, and nothing is called; resume the installation first.")
    if app.paused_at is not None:
        raise Conflict(f"The app {app.name} is paused, and nothing of it is called; resume it first.")


def _work(principal: Principal, system: System, job_id: UUID, job: ExecutedJob, now: datetime) -> _Begun:
    of_run = job.time_limit_seconds or registry.time_limit(system.settings, job.task_type)
    work = Work(
        run_id=new_id(),
        job_id=job_id,
        attempt=1,
        fence=0,
        scheduled_for=now,
        task_type=job.task_type,
        target=targets.of_job(system.settings, job, job.data),
        board_id=job.board_id,
        data=job.data,
        policy=retry_policy.policy(system, job),
        time_limit_seconds=min(LONGEST_SECONDS, of_run),
        polling_state=job.polling_state,
        polling_version=job.polling_version,
        claimed_monotonic=system.clock.monotonic(),
        report_token=report_tokens.new(),  # stored nowhere, so that reports are refused
        app_id=job.app_id,
        signer=signers.of_apps(system, {job.app_id})[job.app_id],
        is_test=True,
        trace=principal.trace,
        carried=principal.trace if system.tracer else spans.next_in(principal.trace),  # it has no span of its own
    )
    return _Begun(work, of_run)


def _performed(system: System, work: Work) -> Result | None:
    """Returns the result of the call; None if it took too long."""
    assert system.perform_call is not None  # noqa: S101  the caller has looked
    scope = AbortScope()
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


def _as_test_call(begun: _Begun, result: Result | None) -> TestCall:
    call = begun.work.transcript.as_json()
    match result:
        case Succeeded(answer=answer):
            return TestCall("succeeded", None, None, answer[:BODY_KEPT], call)
        case Deferred():
            return TestCall("deferred", None, None, None, call)
        case Failed(error, answer):
            kind = "permanent" if error.permanent else "transient"
            return TestCall("failed", kind, error.message, None if answer is None else answer[:BODY_KEPT], call)
        case _:
            return _too_long(begun, call)


def _too_long(begun: _Begun, call: Any) -> TestCall:
    waited = begun.work.time_limit_seconds
    if waited < begun.limit_of_run:
        message = f"The test waits at most {waited:g} s; a run waits {begun.limit_of_run:g} s: no verdict."
        return TestCall("undecided", None, message, None, call)
    return TestCall("failed", "transient", f"It took longer than its limit of {waited:g} s.", None, call)
