"""The tracer of a process: there is one where the installation says where spans go; else nothing of it is imported."""

from __future__ import annotations

from processes import start
from services.runtime.spans import Tracer
from settings import Settings

_VARIABLES = "OTEL_"


def tracer(settings: Settings, process_name: str) -> Tracer | None:
    """Returns what exports the spans of this process, or None."""
    if settings.otel_exporter_otlp_endpoint is None or settings.otel_sdk_disabled:
        return None
    start.lend(_VARIABLES)
    from services.runtime.open_telemetry import to_collector  # noqa: PLC0415  only here does it cost its import

    return to_collector(process_name)


def stop(found: Tracer | None) -> None:
    """Export what is left."""
    if found is not None:
        found.stop()
