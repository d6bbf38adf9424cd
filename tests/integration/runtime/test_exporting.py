"""Spans on their way to a collector: how they are sent, what is logged while it is away, who waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from structlog.testing import capture_logs

from core.signs_of_life import TICK
from core.trace_context import TraceContext
from models import signals
from processes import tracing
from processes.composition import Foundation
from services.restoring.guard import Guard
from services.runtime import logs, open_telemetry
from services.runtime.metrics import Metrics
from services.runtime.open_telemetry import LoggedOnce, OpenTelemetry
from services.runtime.spans import Beginning
from services.runtime.troubles import Troubles
from settings import Settings
from tests.factories import given_system
from tests.integration.api.client import Broker, Client, served
from tests.integration.execution.answering import answering

SENT = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)


def test_spans_go_to_the_collector_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering() as collector:
        endpoint = f"http://127.0.0.1:{collector.server_address[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "nightly jobs")
        monkeypatch.setattr(
            open_telemetry, "_STOP_SECONDS", 60
        )  # what is left is exported by then, on slow machines too
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


class Raising(Away):
    """A collector at which the exporter breaks, then there again."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.is_away:
            raise RuntimeError("broken")
        return super().export(spans)


@pytest.mark.parametrize("away", [Away(), Raising()])
def test_a_collector_that_is_away_is_told_once_and_once_that_it_is_back(away: Away) -> None:
    troubles = Troubles()
    tracer = OpenTelemetry(SimpleSpanProcessor(LoggedOnce(away, troubles)), "test", troubles)
    now = given_system().clock.now()
    with capture_logs() as logged:
        for is_away in (True, True, False, False):
            away.is_away = is_away
            tracer.begin(Beginning("wait", now)).end(now, {})
            assert [one.part for one in tracing.troubles(tracer)] == (["traces"] if is_away else [])
    assert [(line["event"], line["part"]) for line in logged] == [("trouble", "traces"), ("trouble_over", "traces")]


def test_a_process_whose_spans_are_refused_is_degraded_and_stays_ready(sqlite: str) -> None:
    troubles = Troubles()
    tracer = OpenTelemetry(SimpleSpanProcessor(LoggedOnce(Away(), troubles)), "test", troubles)
    system = given_system()
    now = system.clock.now()
    carrier = Mock()
    carrier.troubles.present.return_value = []
    base = Foundation(system.settings, replace(system, tracer=tracer), carrier, Metrics([]), Guard(system))
    broker = Broker()
    client = Client(served(system, broker))
    signals.mark(TICK, now)
    for parts in ([], ["traces"]):
        broker.troubles = base.troubles()
        told = client.simulate_get("/readyz")
        assert (told.status_code, [one["part"] for one in told.json["troubles"]]) == (200, parts)
        tracer.begin(Beginning("wait", now)).end(now, {})


def test_the_log_tells_what_the_library_drops_and_not_each_failure_of_its_exporter() -> None:
    before = {name: logging.getLogger(name).level for name in logs.QUIET}
    try:
        logs.quiet()
        assert logging.getLogger("opentelemetry.sdk._shared_internal").isEnabledFor(logging.WARNING)
        assert not logging.getLogger(OTLPSpanExporter.__module__).isEnabledFor(logging.ERROR)
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def test_who_stops_does_not_wait_for_a_collector_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    never, waited = threading.Event(), threading.Event()

    class Hanging(Away):
        def shutdown(self) -> None:
            never.wait(10)
            waited.set()

    monkeypatch.setattr(open_telemetry, "_STOP_SECONDS", 0.01)
    OpenTelemetry(SimpleSpanProcessor(Hanging()), "test").stop()
    assert not waited.is_set()
    never.set()


@pytest.mark.parametrize(
    "given", [{}, {"otel_exporter_otlp_endpoint": "http://127.0.0.1:9", "otel_sdk_disabled": True}]
)
def test_without_a_collector_or_disabled_there_is_no_tracer(given: dict[str, Any]) -> None:
    assert tracing.tracer(Settings(**given), "worker") is None
