"""Exports spans by OpenTelemetry's SDK, which reads its own variables: sampler, limits, resource, headers, time-outs.

Imported only where spans are exported: nothing else needs the library.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision

from core.trace_context import TraceContext
from core.version import VERSION
from services.runtime.spans import Attributes, Beginning, Kind, Root, Span
from services.runtime.troubles import Trouble, Troubles

_NAME = "carillon"
_STOP_SECONDS = 2.0
_NOT_TAKEN = Trouble(
    "traces",
    "The collector does not take spans.",
    "Start it, or correct OTEL_EXPORTER_OTLP_ENDPOINT. Runs go on; their spans are dropped meanwhile.",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_KINDS = {
    Kind.SERVER: api.SpanKind.SERVER,
    Kind.CLIENT: api.SpanKind.CLIENT,
    Kind.INTERNAL: api.SpanKind.INTERNAL,
}


def to_collector(process_name: str) -> OpenTelemetry:
    """Returns a tracer that sends spans to a collector, many at a time and by a thread of its own."""
    troubles = Troubles()
    return OpenTelemetry(BatchSpanProcessor(LoggedOnce(OTLPSpanExporter(), troubles)), process_name, troubles)


class OpenTelemetry:
    """Begins spans of one process, and hands those that end to a processor, which may note troubles."""

    def __init__(self, processor: SpanProcessor, process_name: str, troubles: Troubles | None = None) -> None:
        self._troubles = troubles or Troubles()
        self._ids = _Ids()
        self._provider = TracerProvider(resource=_resource(process_name), id_generator=self._ids)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(_NAME, VERSION)

    def begin(self, beginning: Beginning) -> Span:
        """Begin a span."""
        with self._ids.chosen(beginning.root):
            span = self._tracer.start_span(
                beginning.name,
                context=self._above(beginning),
                kind=_KINDS[beginning.kind],
                attributes=dict(beginning.attributes),
                links=[] if beginning.link is None else [api.Link(_stored(beginning.link))],
                start_time=_nanoseconds(beginning.began_at),
            )
        return _Begun(span)

    def troubles(self) -> list[Trouble]:
        """Returns the trouble that the collector takes no spans, from an export that failed to one that does not."""
        return self._troubles.present()

    def stop(self) -> None:
        """Export what is left; wait at most `_STOP_SECONDS` for a collector that does not answer."""
        stopping = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        stopping.start()
        stopping.join(_STOP_SECONDS)

    def _above(self, beginning: Beginning) -> Context:
        """Returns the context of what the span is below; an empty one for a root."""
        match beginning.parent:
            case None:
                return Context()
            case Root() as first:
                parent = self._sampled_alike(first, beginning.name)
            case known:
                parent = _stored(known)
        return api.set_span_in_context(api.NonRecordingSpan(parent), Context())

    def _sampled_alike(self, first: Root, name: str) -> api.SpanContext:
        """Returns the context of a trace's first span, which another process began.

        Samplers decide by the trace's id, so this repeats its decision.
        """
        trace_id = int(first.trace_id, 16)
        is_sampled = self._provider.sampler.should_sample(None, trace_id, name).decision is Decision.RECORD_AND_SAMPLE
        flags = api.TraceFlags(api.TraceFlags.SAMPLED if is_sampled else api.TraceFlags.DEFAULT)
        return api.SpanContext(trace_id, int(first.span_id, 16), is_remote=True, trace_flags=flags)


class LoggedOnce(SpanExporter):
    """Exports by another exporter, and notes the trouble that this fails, until it is well again."""

    def __init__(self, exporter: SpanExporter, troubles: Troubles) -> None:
        self._exporter = exporter
        self._troubles = troubles

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export spans."""
        try:
            result, error = self._exporter.export(spans), None
        except Exception as raised:  # noqa: BLE001  a library's: treated like the failure that it returns
            result, error = SpanExportResult.FAILURE, raised
        if result is SpanExportResult.SUCCESS:
            self._troubles.end(_NAME)
        else:
            self._troubles.begin(_NAME, _NOT_TAKEN, error)
        return result

    def shutdown(self) -> None:
        """End the other exporter."""
        self._exporter.shutdown()


class _Begun:
    """A span of the SDK."""

    def __init__(self, span: api.Span) -> None:
        self._span = span

    @property
    def context(self) -> TraceContext:
        found = self._span.get_span_context()
        return TraceContext(
            api.format_trace_id(found.trace_id),
            api.format_span_id(found.span_id),
            found.trace_flags.sampled,
            found.trace_state.to_header(),
        )

    def rename(self, name: str) -> None:
        """Give the span a better name, now that it is known."""
        self._span.update_name(name)

    def end(self, at: datetime, attributes: Attributes, fault: str | None = None) -> None:
        """End the span; `fault` says what went wrong."""
        self._span.set_attributes(dict(attributes))
        if fault is not None:
            self._span.set_status(api.StatusCode.ERROR, fault)
        self._span.end(_nanoseconds(at))


class _Ids(RandomIdGenerator):
    """Makes ids at random, except those that a thread has chosen."""

    def __init__(self) -> None:
        self._chosen = threading.local()

    @contextmanager
    def chosen(self, root: Root | None) -> Iterator[None]:
        """Give the ids of a root to the span that this thread begins within the block."""
        self._chosen.root = root
        try:
            yield
        finally:
            self._chosen.root = None

    def generate_trace_id(self) -> int:
        root: Root | None = getattr(self._chosen, "root", None)
        return super().generate_trace_id() if root is None else int(root.trace_id, 16)

    def generate_span_id(self) -> int:
        root: Root | None = getattr(self._chosen, "root", None)
        return super().generate_span_id() if root is None else int(root.span_id, 16)


def _resource(process_name: str) -> Resource:
    """Returns the attributes of this process; OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME take precedence."""
    own = Resource({"service.name": _NAME, "service.version": VERSION, "carillon.process": process_name})
    return Resource.create().merge(own).merge(OTELResourceDetector().detect())


def _stored(context: TraceContext) -> api.SpanContext:
    flags = api.TraceFlags(api.TraceFlags.SAMPLED if context.is_sampled else api.TraceFlags.DEFAULT)
    state = api.TraceState.from_header([context.state]) if context.state else None
    return api.SpanContext(int(context.trace_id, 16), int(context.span_id, 16), True, flags, state)


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND * 1_000
