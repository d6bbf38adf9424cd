"""Health of the processes that serve no API, as balancers and old checkers ask for it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator

import pytest
import requests
from pydantic import SecretStr

from core.database_faults import DatabaseFault
from processes.programs import ProgramError
from processes.serving.health import endpoint, may_see_metrics
from services.runtime.database_troubles import trouble_of
from services.runtime.metrics import CONTENT_TYPE, Metrics
from services.runtime.troubles import Trouble
from settings import Settings
from tests.acceptance.installation import free_port
from tests.figures import figures
from tests.waiting import LONGEST

AMISS = Trouble("runs.http", "It is declared otherwise.", "Delete it.")


class Endpoint:
    def __init__(self, port: int) -> None:
        self.port = port
        self.stopping = threading.Event()
        self.troubles: list[Trouble] = []

    def ask(self, method: str, target: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST)
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def readiness(self) -> tuple[int, dict[str, object]]:
        status, _, body = self.ask("GET", "/readyz")
        return status, json.loads(body)


@pytest.fixture
def health() -> Iterator[Endpoint]:
    made = Endpoint(free_port())
    with endpoint(Settings(health_port=made.port), made.stopping, lambda: made.troubles, Metrics()):
        yield made


def test_ready_degraded_with_what_is_amiss_once_each_and_unavailable_when_stopping(health: Endpoint) -> None:
    assert health.readiness() == (200, {"status": "ready", "troubles": []})
    health.troubles = [AMISS, AMISS]
    told = [{"part": "runs.http", "detail": "It is declared otherwise.", "remedy": "Delete it.", "fault": None}]
    assert health.readiness() == (200, {"status": "degraded", "troubles": told})
    health.stopping.set()
    assert health.readiness() == (503, {"status": "unavailable", "troubles": told})


@pytest.mark.parametrize("target", ["/healthz", "/readyz", "/elsewhere"])
def test_head_answers_as_get_without_the_body(health: Endpoint, target: str) -> None:
    (got, of_get, body), (head, of_head, nothing) = health.ask("GET", target), health.ask("HEAD", target)
    assert (head, nothing) == (got, b"")
    assert of_head["Content-Length"] == of_get["Content-Length"] == str(len(body))
    assert of_head["Content-Type"] == of_get["Content-Type"]


@pytest.mark.parametrize("target", ["/healthz/", "/healthz?from=balancer", "http://worker.example.com/healthz"])
def test_a_path_is_found_however_it_is_asked_for(health: Endpoint, target: str) -> None:
    assert health.ask("GET", target)[0] == 200


@pytest.mark.parametrize("method", ["POST", "DELETE", "BREW"])
def test_other_methods_are_told_which_are_taken(health: Endpoint, method: str) -> None:
    status, headers, _ = health.ask(method, "/healthz")
    assert (status, headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_a_checker_without_a_host_header_is_answered(health: Endpoint) -> None:
    with socket.create_connection(("127.0.0.1", health.port), timeout=LONGEST) as connection:
        connection.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
        assert b" 200 " in connection.makefile("rb").readline()


def test_metrics_are_shown_to_this_machine_where_no_secret_is_set(health: Endpoint) -> None:
    health.troubles = [AMISS, trouble_of(DatabaseFault.DISK_FULL)]
    status, headers, body = health.ask("GET", "/metrics")
    assert (status, headers["Content-Type"]) == (200, CONTENT_TYPE)
    shown = figures(body.decode())
    assert shown["carillon_trouble", ("runs.http",)] == 1
    assert (shown["carillon_database_up", ()], shown["carillon_broker_up", ()]) == (0, 1)
    assert (shown["carillon_database_fault", ("disk_full",)], shown["carillon_database_fault", ("away",)]) == (1, 0)


@pytest.mark.parametrize(("shown", "status"), [(None, 401), ("Bearer wrong", 401), ("Bearer hushed", 200)])
def test_metrics_are_shown_to_who_shows_the_secret_where_one_is_set(shown: str | None, status: int) -> None:
    settings = Settings(health_port=free_port(), internal_secret=SecretStr("hushed"))
    given = {} if shown is None else {"Authorization": shown}
    with endpoint(settings, threading.Event(), list, Metrics()):
        answer = requests.get(f"http://127.0.0.1:{settings.health_port}/metrics", headers=given, timeout=LONGEST)
    assert answer.status_code == status
    assert ("carillon_build_info" in answer.text) == (status == 200)


def test_metrics_are_hidden_from_other_machines_where_no_secret_is_set() -> None:
    assert not may_see_metrics(None, "", "192.0.2.1")
    assert may_see_metrics(None, "", "::1")


def test_a_process_without_a_database_says_nothing_of_one() -> None:
    settings = Settings(health_port=free_port())
    with endpoint(settings, threading.Event(), list, Metrics(), uses_database=False):
        page = requests.get(f"http://127.0.0.1:{settings.health_port}/metrics", timeout=LONGEST).text
    assert ("carillon_broker_up", ()) in figures(page)
    assert ("carillon_database_up", ()) not in figures(page)


def test_it_listens_where_it_is_told_to() -> None:
    port = free_port()
    with (
        endpoint(Settings(health_port=port, health_host="127.0.0.2"), threading.Event(), list, Metrics()),
        socket.create_connection(("127.0.0.2", port), timeout=LONGEST),
        pytest.raises(ConnectionRefusedError),
    ):
        socket.create_connection(("127.0.0.1", port), timeout=LONGEST)


def test_an_address_that_is_not_ours_is_refused_with_its_name() -> None:
    settings = Settings(health_port=free_port(), health_host="192.0.2.1")
    with (
        pytest.raises(ProgramError, match=r"HEALTH_HOST=192\.0\.2\.1: .*"),
        endpoint(settings, threading.Event(), list, Metrics()),
    ):
        pass
