"""Spans: from the request that creates a job to the phases of the call that it leads to, and how they are exported."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id
from structlog.testing import capture_logs

from core import trace_context
from core.trace_context import TraceContext
from processes import tracing
from services.runtime import open_telemetry
from services.runtime.open_telemetry import OpenTelemetry, ToldOnce
from services.runtime.spans import Beginning, Span
from settings import Settings
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

    def stop(self) -> None:
        """Nothing to do."""


def test_a_tracer_that_fails_keeps_nothing_from_being_done(sqlite: str, receiver: Server) -> None:
    system = replace(given_system(), tracer=BrokenTracer())
    job_id = Client(served(system)).create(schedule=ONCE, callback_url=receiver.url)
    execute(system)
    [run] = runs_of(UUID(job_id))
    assert stored_run(run.id).status == "completed"


def test_spans_go_to_the_collector_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering() as collector:
        endpoint = f"http://127.0.0.1:{collector.server_address[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "nightly jobs")
        found = tracing.tracer(Settings(otel_exporter_otlp_endpoint=endpoint), "worker")
        assert found is not None
        now = given_system().clock.now()
        found.begin(Beginning("wait", now, parent=SENT)).end(now, {"carillon.attempt.number": 1})
        tracing.stop(found)
        [(method, path, headers, body)] = collector.got
    assert (method, path, headers["content-type"]) == ("POST", "/v1/traces", "application/x-protobuf")
    [of_resource] = ExportTraceServiceRequest.FromString(body).resource_spans
    resource = {one.key: one.value.string_value for one in of_resource.resource.attributes}
    assert (resource["service.name"], resource["carillon.process"]) == ("nightly jobs", "worker")
    [span] = of_resource.scope_spans[0].spans
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("wait", SENT.trace_id, SENT.span_id)


class Away(SpanExporter):
    """A collector that is away, then there again."""

    def __init__(self) -> None:
        self.is_away = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002  as the SDK names it
        return SpanExportResult.FAILURE if self.is_away else SpanExportResult.SUCCESS


def test_a_collector_that_is_away_is_told_once_and_once_that_it_is_back() -> None:
    away = Away()
    tracer = OpenTelemetry(SimpleSpanProcessor(ToldOnce(away)), "test")
    now = given_system().clock.now()
    with capture_logs() as logged:
        for is_away in (True, True, False, False):
            away.is_away = is_away
            tracer.begin(Beginning("wait", now)).end(now, {})
    assert [(line["event"], line["part"]) for line in logged] == [("trouble", "traces"), ("trouble_over", "traces")]


def test_who_stops_does_not_wait_for_a_collector_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()

    class Hanging(Away):
        def shutdown(self) -> None:
            never.wait()

    monkeypatch.setattr(open_telemetry, "_STOP_SECONDS", 0.01)
    OpenTelemetry(SimpleSpanProcessor(Hanging()), "test").stop()
    never.set()


@pytest.mark.parametrize(
    "given", [{}, {"otel_exporter_otlp_endpoint": "http://127.0.0.1:9", "otel_sdk_disabled": True}]
)
def test_without_a_collector_or_disabled_there_is_no_tracer(given: dict[str, Any]) -> None:
    assert tracing.tracer(Settings(**given), "worker") is None
