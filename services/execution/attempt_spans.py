"""The spans of an attempt: how long its run waited for it, the attempt itself, and the phases of its call.

A run that a request made belongs to the trace of that request. Any other begins a trace of its own with its first
wait, which is linked to the request that created the job; later waits and attempts are below that wait.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta

from core.trace_context import own_span_id, own_trace_id
from services.execution.work import Deferred, Failed, Result, Succeeded, Work
from services.messaging import broker as brokers
from services.runtime.spans import Attribute, Beginning, Kind, Root, Span, Tracer, unharmed
from services.system import System
from services.task_types import registry


def begin(system: System, work: Work) -> tuple[Work, Span | None]:
    """Begin the span of an attempt. Returns the attempt as its handler gets it, and the span. Never raises."""
    if system.tracer is None:
        return work, None
    with unharmed():
        span = _begun(system.tracer, work, system.clock.now())
        return replace(work, carried=span.context), span
    return work, None


def end(system: System, span: Span | None, work: Work, result: Result) -> None:
    """End the span of an attempt by its result, with the phases of its call below it. Never raises."""
    if system.tracer is None or span is None:
        return
    with unharmed():
        now = system.clock.now()
        _phases(system.tracer, span, work, now)
        fault = result.error.message if isinstance(result, Failed) else None
        span.end(now, {"carillon.attempt.outcome": _outcome(result), **_of_call(work)}, fault)


def _begun(tracer: Tracer, work: Work, now: datetime) -> Span:
    about: dict[str, Attribute] = {
        "carillon.run.id": str(work.run_id),
        "carillon.job.id": str(work.job_id),
        "carillon.app.id": str(work.app_id),
        "carillon.task.type": work.task_type,
        "carillon.attempt.number": work.attempt,
    }
    own = Root(own_trace_id(work.run_id), own_span_id(work.run_id))
    wait = Beginning("wait", min(work.due_at or now, now), parent=work.trace or own, attributes=about)
    is_first = work.trace is None and work.attempt == 1
    waited = tracer.begin(replace(wait, parent=None, root=own, link=work.job_trace) if is_first else wait)
    waited.end(now, {})
    above = waited.context if is_first else wait.parent
    kind = Kind.CLIENT if registry.queue_of(work.task_type) == brokers.RUNS_HTTP else Kind.INTERNAL
    return tracer.begin(Beginning(f"attempt {work.task_type}", now, kind, above, attributes=about))


def _phases(tracer: Tracer, attempt: Span, work: Work, now: datetime) -> None:
    ended = time.monotonic()
    for phase, began_at, over_at in work.transcript.phases():
        began = now - timedelta(seconds=ended - began_at)
        span = tracer.begin(Beginning(f"call {phase}", began, parent=attempt.context))
        span.end(now - timedelta(seconds=ended - over_at), {})


def _of_call(work: Work) -> dict[str, Attribute]:
    """Returns the attributes of a call by OpenTelemetry's conventions for HTTP; none if there was no call."""
    method, url, address, status_code = work.transcript.summary()
    found = {
        "http.request.method": method,
        "url.full": url,
        "network.peer.address": address,
        "http.response.status_code": status_code,
    }
    return {name: value for name, value in found.items() if value is not None}


def _outcome(result: Result) -> str:
    match result:
        case Succeeded():
            return "succeeded"
        case Deferred():
            return "deferred"
        case Failed():
            return "failed"
        case stopped:
            return "released" if stopped.hands_back else stopped.reason.value
