"""The tracer of a process: none where its libraries are missing, and told what stands in `.env`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from processes import environment, start, tracing
from settings import ConfigurationError

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
OF_A_CLUSTER = {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}


@pytest.fixture
def without_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)  # as if it were not installed


@pytest.mark.usefixtures("without_libraries")
def test_a_process_without_the_libraries_starts_and_says_that_it_exports_no_spans() -> None:
    settings = start.checked_settings(OF_A_CLUSTER)
    with capture_logs() as logged:
        assert tracing.tracer(settings, "worker") is None
    [line] = logged
    assert (line["event"], line["log_level"]) == ("spans_are_not_exported", "warning")
    assert "pip install --require-hashes -r requirements-traces.txt" in line["remedy"]


@pytest.mark.usefixtures("without_libraries")
@pytest.mark.parametrize("variables", [{}, {**OF_A_CLUSTER, "OTEL_SDK_DISABLED": "true"}])
def test_a_process_that_is_to_export_no_spans_says_nothing(variables: dict[str, str]) -> None:
    with capture_logs() as logged:
        assert tracing.tracer(start.checked_settings(variables), "worker") is None
    assert logged == []


@pytest.mark.parametrize(
    "variables", [{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, {**OF_A_CLUSTER, "OTEL_SDK_DISABLED": "true"}]
)
def test_where_no_spans_are_exported_nothing_of_them_is_refused(variables: dict[str, str]) -> None:
    assert start.checked_settings(variables).otel_exporter_otlp_protocol == "grpc"


def test_where_spans_are_exported_an_endpoint_or_a_protocol_that_is_not_spoken_is_refused() -> None:
    assert start.checked_settings(ENDPOINT).otel_exporter_otlp_endpoint == "http://collector:4318"
    with pytest.raises(ConfigurationError) as refused:
        start.checked_settings(OF_A_CLUSTER)
    of_endpoint, of_protocol = str(refused.value).splitlines()
    assert of_endpoint.startswith("OTEL_EXPORTER_OTLP_ENDPOINT must begin with http://")
    assert of_protocol == "OTEL_EXPORTER_OTLP_PROTOCOL=grpc: spans are sent only by http/protobuf; set that."


def test_variables_in_the_file_are_lent_to_a_library_and_those_of_the_process_go_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("OTEL_SERVICE_NAME=nightly\nOTEL_TRACES_SAMPLER=always_off\nPORT=9\n")
    variables = {"OTEL_TRACES_SAMPLER": "always_on"}
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(os, "environ", variables)
    environment.lend("OTEL_")
    assert variables == {"OTEL_SERVICE_NAME": "nightly", "OTEL_TRACES_SAMPLER": "always_on"}
