"""The tracer of a process, if OTEL_EXPORTER_OTLP_ENDPOINT is set; otherwise no tracing library is imported."""

from __future__ import annotations

import structlog

from processes import environment
from services.runtime import spans
from services.runtime.spans import Tracer
from services.runtime.troubles import Trouble
from settings import Settings

_VARIABLES = "OTEL_"
_INSTALL = (
    "OTEL_EXPORTER_OTLP_ENDPOINT needs libraries that are not installed: "
    "pip install --require-hashes -r requirements-traces.txt, or set OTEL_SDK_DISABLED=true."
)
log = structlog.get_logger()


def tracer(settings: Settings, process_name: str) -> Tracer | None:
    """Returns the exporter of this process's spans, or None."""
    if not spans.are_wanted(settings):
        return None
    if not spans.can_be_sent():
        log.warning("spans_are_not_exported", remedy=_INSTALL)
        return None
    environment.lend(_VARIABLES)
    from services.runtime.open_telemetry import to_collector  # noqa: PLC0415  only here does it cost its import

    return to_collector(process_name)


def troubles(found: Tracer | None) -> list[Trouble]:
    """Returns what keeps spans from being exported."""
    return [] if found is None else found.troubles()


def stop(found: Tracer | None) -> None:
    """Export the remaining spans."""
    if found is not None:
        found.stop()
