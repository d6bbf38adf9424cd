"""The seam to traces: what Carillon does begins and ends spans, which a tracer exports, if the process has one.

Only the tracer knows the library that does it (`services/runtime/open_telemetry.py`); without one, traces that others
began are still carried on.
"""

from __future__ import annotations

import importlib.util
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import structlog

from core.trace_context import TraceContext
from services.runtime.troubles import Trouble
from settings import Settings, server_rules

Attribute = str | int | float | bool
Attributes = Mapping[str, Attribute]

_PROTOCOL = "http/protobuf"

log = structlog.get_logger()


class Kind(StrEnum):
    """What a span is: an answer to a request, a request to somebody else, or work within."""

    SERVER = "server"
    CLIENT = "client"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Root:
    """The ids of a trace that begins with a span, and of that span."""

    trace_id: str
    span_id: str


@dataclass(frozen=True)
class Beginning:
    """A span as it begins: below `parent`, or as the `root` of a trace; `link` is what caused it, in another trace.

    A `Root` may be the parent, too: another process may have begun it.
    """

    name: str
    began_at: datetime
    kind: Kind = Kind.INTERNAL
    parent: TraceContext | Root | None = None
    root: Root | None = None
    link: TraceContext | None = None
    attributes: Attributes = field(default_factory=dict)


class Span(Protocol):
    """A span that has begun."""

    @property
    def context(self) -> TraceContext:
        """Returns what requests carry that are sent within the span."""
        ...

    def rename(self, name: str) -> None:
        """Give the span a better name, now that it is known."""
        ...

    def end(self, at: datetime, attributes: Attributes, fault: str | None = None) -> None:
        """End the span; `fault` says what went wrong."""
        ...


class Tracer(Protocol):
    """Exports spans."""

    def begin(self, beginning: Beginning, /) -> Span:
        """Begin a span."""
        ...

    def troubles(self) -> list[Trouble]:
        """Returns the trouble that spans are not taken, while they are not."""
        ...

    def stop(self) -> None:
        """Export what is left, within seconds."""
        ...


@contextmanager
def unharmed() -> Iterator[None]:
    """Log errors within the block, and go on: a fault of an observer must not affect what it observes."""
    try:
        yield
    except Exception:
        log.exception("span_fault")


def faults_of(settings: Settings) -> list[str]:
    """Returns why spans cannot be sent as the settings say, one line per fault; none where no spans are sent.

    Operators may set these variables for a whole cluster: they must not keep a process from starting that sends no
    spans.
    """
    if not (are_wanted(settings) and can_be_sent()):
        return []
    protocol = settings.otel_exporter_otlp_protocol
    wrong_protocol = f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}: spans are sent only by {_PROTOCOL}; set that."
    rules = [
        *server_rules.web_addresses({"OTEL_EXPORTER_OTLP_ENDPOINT": settings.otel_exporter_otlp_endpoint}),
        (protocol != _PROTOCOL, wrong_protocol),
    ]
    return [line for is_broken, line in rules if is_broken]


def are_wanted(settings: Settings) -> bool:
    """Returns whether the settings say where spans go, and do not turn them off."""
    return settings.otel_exporter_otlp_endpoint is not None and not settings.otel_sdk_disabled


def can_be_sent() -> bool:
    """Returns whether the libraries are installed that send spans."""
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # its parent package is missing, too
        return False


def next_in(trace: TraceContext | None) -> TraceContext | None:
    """Returns what requests carry of a trace where no span is exported for them: a place of their own in it."""
    return None if trace is None else trace.child(secrets.token_hex(8))
