"""SIGTERM in every process: what is under way ends well, what does not is handed back, and the status is 0."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import requests

from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import IMMEDIATE, Installation
from tests.acceptance.journal import Answer, Journal
from tests.acceptance.process import Process
from tests.waiting import LONGEST, until

# The web process, with more time than the one second of production for all that a test asks while it stops.
PATIENT_WEB = """
import cli
from processes import web
web._SHUTDOWN_NOTICE_SECONDS = 15
cli.main(["web"])
"""
LONG_LEASES = {"LEASE_SECONDS": "300", "HEARTBEAT_SECONDS": "1"}


Start = Callable[..., Process]


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """Set when calls that a test holds may end; at the latest when the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def environment(postgresql: str, rabbitmq_url: str, journal: Journal) -> dict[str, str]:
    return {
        **QUICK,
        "DATABASE_URL": postgresql,
        "RABBITMQ_URL": rabbitmq_url,
        "CALLBACK_BASE_URL": journal.url,
    }


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Start]:
    """Start a process of the services mode; whichever still runs at the end is killed."""
    started: list[Process] = []

    def start(name: str, script: str | None = None, **more: str) -> Process:
        mode = {} if name == "serve" else request.getfixturevalue("environment")
        journal: Journal = request.getfixturevalue("journal")
        everywhere = {"PATH": "/usr/bin:/bin", **QUICK, "CALLBACK_BASE_URL": journal.url}
        folder = {"DATA_DIR": str(tmp_path / "data")}
        started.append(Process(name, {**everywhere, **folder, **mode, **more}, tmp_path / f"{name}.log", script))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def carillon(tmp_path: Path, environment: dict[str, str]) -> Iterator[Installation]:
    """A web process and a coordinator; the workers are the test's own."""
    with Installation(tmp_path, {"web": 1, "coordinator": 1}, environment) as carillon:
        yield carillon


def test_a_worker_finishes_the_call_it_is_in_and_claims_nothing_more(
    carillon: Installation, journal: Journal, held: threading.Event, start: Start
) -> None:
    journal.behave = lambda _call: _after(held)
    worker = start("worker", SHUTDOWN_GRACE_SECONDS="600")
    first = carillon.create(IMMEDIATE)
    journal.wait_for(lambda calls: len(calls) == 1, "the call")
    worker.terminate()
    until(lambda: worker.status_of("/readyz") == 503, "the worker to say that it stops")
    assert worker.status_of("/healthz") == 200
    second = carillon.create(IMMEDIATE)
    until(lambda: carillon.runs([second])[second][0]["status"] == "queued", "the second job to be due")
    held.set()
    assert worker.exit_status() == 0
    assert _attempts(carillon, first) == [(1, "succeeded")]
    assert [call.job_id for call in journal.calls] == [first]
    assert _attempts(carillon, second) == []
    start("worker")
    until(lambda: carillon.count("completed") == 2, "the next worker to do the second job")


def test_a_call_that_does_not_end_is_handed_back_to_another_worker(
    carillon: Installation, journal: Journal, held: threading.Event, start: Start, postgresql: str
) -> None:
    journal.behave = lambda call: _after(held) if call.attempt == 1 else Answer()
    workers = [start("worker", SHUTDOWN_GRACE_SECONDS="1", **LONG_LEASES) for _ in range(2)]
    job_id = carillon.create(IMMEDIATE, max_retries=0)
    journal.wait_for(lambda calls: len(calls) == 1, "the call")
    [(pid,)] = _rows(postgresql, "SELECT pid FROM workers JOIN runs ON runs.worker_id = workers.id")
    [holder] = [worker for worker in workers if worker.pid == pid]
    [other] = [worker for worker in workers if worker.pid != pid]
    holder.terminate()
    journal.wait_for(lambda calls: len(calls) == 2, "the other worker's call")
    assert holder.exit_status() == 0
    until(lambda: carillon.count("completed") == 1, "the job to complete")
    first, second = journal.calls
    assert first.key == second.key
    assert (first.attempt, second.attempt) == (1, 2)
    assert 1 <= second.started - first.started < float(LONG_LEASES["LEASE_SECONDS"]), "no lease ran out"
    assert _attempts(carillon, job_id) == [(1, "released"), (2, "succeeded")]
    [(by_other, failures, losses)] = _rows(
        postgresql,
        "SELECT workers.pid, failure_count, loss_count FROM runs JOIN attempts ON attempts.run_id = runs.id"
        " JOIN workers ON workers.id = attempts.worker_id WHERE attempts.number = 2",
    )
    assert (by_other, failures, losses) == (other.pid, 0, 0)


def test_the_embedded_server_hands_back_and_does_it_at_its_next_start(
    journal: Journal, held: threading.Event, start: Start
) -> None:
    journal.behave = lambda call: _after(held) if call.attempt == 1 else Answer()
    server = start("serve", SHUTDOWN_GRACE_SECONDS="1")
    job_id = _create(server, max_retries=0)
    journal.wait_for(lambda calls: len(calls) == 1, "the call")
    server.terminate()
    assert server.exit_status() == 0
    assert len(journal.calls) == 1
    following = start("serve")
    journal.wait_for(lambda calls: len(calls) == 2, "the second attempt")
    first, second = journal.calls
    assert (second.key, second.attempt) == (first.key, 2)
    until(lambda: _job(following, job_id)["status"] == "completed", "the job to complete")
    [run] = requests.get(f"{following.url}/api/jobs/{job_id}/runs", timeout=LONGEST).json()["results"]
    attempts = requests.get(f"{following.url}/api/runs/{run['id']}", timeout=LONGEST).json()["attempts"]
    assert [attempt["outcome"] for attempt in attempts] == ["released", "succeeded"]


def test_the_embedded_server_answers_requests_while_it_waits_for_a_call(
    journal: Journal, held: threading.Event, start: Start
) -> None:
    journal.behave = lambda _call: _after(held)
    server = start("serve", SHUTDOWN_GRACE_SECONDS="600")
    job_id = _create(server)
    journal.wait_for(lambda calls: len(calls) == 1, "the call")
    server.terminate()
    until(lambda: server.status_of("/readyz") == 503, "the server to say that it stops")
    assert server.status_of("/healthz") == 200
    assert _job(server, job_id)["status"] == "running"
    later = _create(server)
    held.set()
    assert server.exit_status() == 0
    assert [call.job_id for call in journal.calls] == [job_id]
    following = start("serve")
    assert _job(following, job_id)["status"] == "completed"
    until(lambda: _job(following, later)["status"] == "completed", "the job accepted while it stopped")


def test_a_second_signal_hands_back_at_once_and_nothing_is_logged_as_an_error(
    journal: Journal, held: threading.Event, start: Start
) -> None:
    journal.behave = lambda _call: _after(held)
    server = start("serve", SHUTDOWN_GRACE_SECONDS="600")
    job_id = _create(server)
    journal.wait_for(lambda calls: len(calls) == 1, "the call")
    server.terminate()
    until(lambda: server.status_of("/readyz") == 503, "the server to say that it stops")
    assert _job(server, job_id)["status"] == "running"
    server.terminate()
    assert server.exit_status() == 0
    assert "Traceback" not in server.log.read_text()


def test_the_web_process_says_that_it_stops_while_it_still_answers(start: Start) -> None:
    web = start("web", PATIENT_WEB)
    web.terminate()
    until(lambda: web.status_of("/readyz") == 503, "the process to say that it stops")
    assert web.status_of("/healthz") == 200
    job_id = _create(web)
    assert _job(web, job_id)["status"] == "queued"
    assert web.exit_status() == 0
    assert web.status_of("/healthz") is None


@pytest.mark.parametrize("name", ["worker", "coordinator", "periodic", "autoscale"])
def test_health_is_told_on_its_port_and_sigterm_ends_the_process_with_0(start: Start, name: str) -> None:
    process = start(name)
    answers = {
        path: requests.get(process.url + path, timeout=LONGEST) for path in ("/healthz", "/readyz", "/elsewhere")
    }
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/healthz": 200,
        "/readyz": 200,
        "/elsewhere": 404,
    }
    assert answers["/healthz"].json() == {"status": "ok"}
    assert answers["/readyz"].json()["status"] in {"ready", "degraded"}, "its queues may just be declared"
    process.terminate()
    assert process.exit_status() == 0
    assert process.status_of("/healthz") is None


@pytest.mark.parametrize("name", ["worker", "coordinator", "periodic"])
def test_sigterm_ends_a_process_with_0_as_soon_as_it_says_that_it_is_ready(start: Start, name: str) -> None:
    process = start(name)
    process.terminate()
    assert process.exit_status() == 0


def _after(event: threading.Event) -> Answer:
    event.wait(LONGEST)
    return Answer()


def _create(server: Process, **fields: Any) -> str:
    body = {
        "app_name": "app_a",
        "user_id": "user1",
        "account_id": "acc1",
        "task_type": "greet",
        "schedule": IMMEDIATE,
        **fields,
    }
    answer = requests.post(f"{server.url}/api/jobs/create", json=body, timeout=LONGEST)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _job(server: Process, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = requests.get(f"{server.url}/api/jobs/{job_id}", timeout=LONGEST).json()
    return job


def _attempts(carillon: Installation, job_id: str) -> list[tuple[int, str]]:
    """The attempts at a job's only run: number and outcome."""
    [run] = carillon.runs([job_id])[job_id]
    return [(attempt["number"], attempt["outcome"]) for attempt in carillon.get(f"/api/runs/{run['id']}")["attempts"]]


def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()
