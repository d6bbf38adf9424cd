"""The tracer of a process: refused where its libraries are missing, and told what stands in `.env`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from processes import start
from settings import ConfigurationError

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


def test_a_collector_needs_the_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    assert start.checked_settings(ENDPOINT).otel_exporter_otlp_endpoint == "http://collector:4318"
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)  # as if it were not installed
    with pytest.raises(ConfigurationError) as refused:
        start.checked_settings(ENDPOINT)
    [line] = str(refused.value).splitlines()
    assert line.startswith("OTEL_EXPORTER_OTLP_ENDPOINT needs libraries that are not installed: pip install")
    assert start.checked_settings({}).otel_exporter_otlp_endpoint is None


def test_a_protocol_that_is_not_spoken_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"OTEL_EXPORTER_OTLP_PROTOCOL=grpc: .*http/protobuf"):
        start.checked_settings({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_variables_in_the_file_are_lent_to_a_library_and_those_of_the_process_go_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("OTEL_SERVICE_NAME=nightly\nOTEL_TRACES_SAMPLER=always_off\nPORT=9\n")
    variables = {"OTEL_TRACES_SAMPLER": "always_on"}
    monkeypatch.setattr(start, "ROOT", tmp_path)
    monkeypatch.setattr(os, "environ", variables)
    start.lend("OTEL_")
    assert variables == {"OTEL_SERVICE_NAME": "nightly", "OTEL_TRACES_SAMPLER": "always_on"}
