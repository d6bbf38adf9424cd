"""Spans: from the request that creates a job to the phases of the call that it leads to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from actors.handlers.call import perform_call
from core import trace_context
from core.principals import LOCAL
from core.trace_context import TraceContext
from services.execution import test_calls
from services.runtime.open_telemetry import OpenTelemetry
from services.runtime.spans import Attributes, Beginning, Span
from services.runtime.troubles import Trouble
from tests.factories import GivenSystem, given_system, runs_of, stored_run
from tests.integration.api.client import Client, served
from tests.integration.execution.answering import Server, answering
from tests.integration.execution.attempting import make_due_again
from tests.integration.execution.executing import execute

SENT = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True, state="congo=t61rcWkgMzE")
ONCE = {"type": "immediate"}
MINUTELY = {"type": "interval", "every_seconds": 60}


class Spans:
    """What was exported, by name."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        self.tracer = OpenTelemetry(SimpleSpanProcessor(self._kept), "test")

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._kept.get_finished_spans() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        [found] = self.named(name)
        return found

    @property
    def names(self) -> list[str]:
        return [span.name for span in self._kept.get_finished_spans()]


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.fixture
def system(sqlite: str, spans: Spans) -> GivenSystem:
    return replace(given_system(), tracer=spans.tracer)


@pytest.fixture
def client(system: GivenSystem) -> Client:
    return Client(served(system))


@pytest.fixture
def receiver() -> Iterator[Server]:
    with answering() as serving:
        yield serving


def place(span: ReadableSpan) -> TraceContext:
    """Where a span is, and what its trace carries."""
    found = span.context
    assert found is not None
    return TraceContext(
        format_trace_id(found.trace_id),
        format_span_id(found.span_id),
        found.trace_flags.sampled,
        found.trace_state.to_header(),
    )


def above(span: ReadableSpan) -> str | None:
    """The id of a span's parent."""
    return None if span.parent is None else format_span_id(span.parent.span_id)


def test_one_trace_leads_from_the_request_to_the_phases_of_the_call(
    client: Client, system: GivenSystem, spans: Spans, receiver: Server
) -> None:
    client._default_headers = SENT.headers
    job_id = client.create(schedule=ONCE, callback_url=receiver.url, task_type="greet")
    system.clock.advance(2)
    execute(system)
    create, wait, attempt = spans.one("POST /api/jobs/create"), spans.one("wait"), spans.one("attempt greet")
    phases = ["call look_up", "call connect", "call send", "call wait", "call receive"]
    assert spans.names == ["POST /api/jobs/create", "wait", *phases, "attempt greet"]
    assert {place(span).trace_id for span in map(spans.one, spans.names)} == {SENT.trace_id}
    assert {place(span).state for span in map(spans.one, spans.names)} == {SENT.state}
    assert above(create) == SENT.span_id
    assert above(wait) == above(attempt) == place(create).span_id
    assert {above(spans.one(name)) for name in phases} == {place(attempt).span_id}
    [(_, _, headers, _)] = receiver.got
    assert trace_context.parsed(headers["traceparent"], headers["tracestate"]) == place(attempt)
    assert lasted(wait) == 2
    [run] = runs_of_client(client, job_id)
    assert run["trace_id"] == SENT.trace_id
    assert told(create)["http.response.status_code"] == 201
    assert told(attempt) == {
        "carillon.run.id": run["id"],
        "carillon.job.id": job_id,
        "carillon.app.id": told(attempt)["carillon.app.id"],
        "carillon.task.type": "greet",
        "carillon.attempt.number": 1,
        "carillon.attempt.outcome": "succeeded",
        "http.request.method": "POST",
        "url.full": receiver.url,
        "network.peer.address": "127.0.0.1",
        "http.response.status_code": 200,
    }
    assert (create.kind, wait.kind, attempt.kind) == (SpanKind.SERVER, SpanKind.INTERNAL, SpanKind.CLIENT)


def lasted(span: ReadableSpan) -> float:
    """How many seconds a span lasted."""
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def told(span: ReadableSpan) -> dict[str, Any]:
    """The attributes of a span."""
    return dict(span.attributes or {})


def runs_of_client(client: Client, job_id: str) -> list[dict[str, Any]]:
    """A job's runs, as the API lists them."""
    found: list[dict[str, Any]] = client.simulate_get(f"/api/jobs/{job_id}/runs").json["results"]
    return found


def test_a_planned_run_begins_its_own_trace_linked_to_the_create_and_its_retry_goes_on_there(
    client: Client, system: GivenSystem, spans: Spans, receiver: Server
) -> None:
    client._default_headers = SENT.headers
    receiver.status = 503
    job_id = client.create(schedule=MINUTELY, callback_url=receiver.url, task_type="greet")
    [run] = runs_of_client(client, job_id)[-1:]
    planned = stored_run(UUID(run["id"]))
    make_due_again(system, planned.id)
    execute(system)
    make_due_again(system, planned.id)
    execute(system)
    attempts, waits = spans.named("attempt greet"), spans.named("wait")
    assert {place(span).trace_id for span in (*attempts, *waits)} == {trace_context.own_trace_id(planned.id)}
    assert run["trace_id"] == trace_context.own_trace_id(planned.id)
    first, second = waits
    assert above(first) is None
    [link] = first.links
    assert format_span_id(link.context.span_id) == place(spans.one("POST /api/jobs/create")).span_id
    assert {above(span) for span in (second, *attempts)} == {place(first).span_id}
    assert [told(span)["carillon.attempt.number"] for span in attempts] == [1, 2]
    assert [span.status.status_code for span in attempts] == [StatusCode.ERROR] * 2
    assert [told(span)["carillon.attempt.outcome"] for span in attempts] == ["failed"] * 2
    carried = [trace_context.parsed(headers["traceparent"]) for _, _, headers, _ in receiver.got]
    assert carried == [place(span) for span in attempts]


def test_a_test_call_is_below_the_request_that_asks_for_it(
    client: Client, system: GivenSystem, spans: Spans, receiver: Server
) -> None:
    job_id = client.create(schedule=MINUTELY, callback_url=receiver.url)
    test_calls.of_job(replace(LOCAL, trace=SENT), replace(system, perform_call=perform_call), UUID(job_id))
    [(_, _, headers, _)] = receiver.got
    assert trace_context.parsed(headers["traceparent"], headers["tracestate"]) == SENT
    assert spans.names == ["POST /api/jobs/create"], "which has no span of its own that the receiver could be below"


def test_what_is_not_sampled_is_not_exported_and_says_so_to_receivers(
    client: Client, system: GivenSystem, spans: Spans, receiver: Server
) -> None:
    client._default_headers = replace(SENT, is_sampled=False).headers
    client.create(schedule=ONCE, callback_url=receiver.url)
    execute(system)
    assert spans.names == []
    [(_, _, headers, _)] = receiver.got
    assert headers["traceparent"].startswith(f"00-{SENT.trace_id}-")
    assert headers["traceparent"].endswith("-00")


def test_requests_are_named_by_their_routes_and_probes_have_no_span(client: Client, spans: Spans) -> None:
    client.simulate_get(f"/api/jobs/{'0' * 8}-0000-7000-8000-{'0' * 12}")
    client.simulate_get("/api/nothing")
    client.simulate_get("/healthz")
    assert spans.names == ["GET /api/jobs/{job_id}", "GET"]
    assert [told(spans.one(name))["http.response.status_code"] for name in spans.names] == [404, 404]
    assert {spans.one(name).status.status_code for name in spans.names} == {StatusCode.UNSET}


class BrokenTracer:
    """Fails whatever it is asked."""

    def begin(self, _beginning: Beginning, /) -> Span:
        raise RuntimeError("broken")

    def troubles(self) -> list[Trouble]:
        return []

    def stop(self) -> None:
        """Nothing to do."""


class BrokenSpan:
    """Fails once it has begun."""

    context = SENT

    def rename(self, name: str) -> None:
        raise RuntimeError(f"broken at {name}")

    def end(self, at: datetime, attributes: Attributes, fault: str | None = None) -> None:
        raise RuntimeError(f"broken at {at}, {attributes}, {fault}")


class TracerOfBrokenSpans(BrokenTracer):
    """Begins spans that fail."""

    def begin(self, _beginning: Beginning, /) -> Span:
        return BrokenSpan()


@pytest.mark.parametrize("broken", [BrokenTracer(), TracerOfBrokenSpans()])
def test_a_tracer_that_fails_keeps_nothing_from_being_done(sqlite: str, receiver: Server, broken: BrokenTracer) -> None:
    system = replace(given_system(), tracer=broken)
    job_id = Client(served(system)).create(schedule=ONCE, callback_url=receiver.url)
    execute(system)
    [run] = runs_of(UUID(job_id))
    assert stored_run(run.id).status == "completed"
