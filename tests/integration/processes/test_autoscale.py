"""`carillon autoscale`: with a scripted management API, with RabbitMQ's own, and with real processes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.autoscaling import NO_LOAD, Load
from processes import autoscale
from processes.autoscale import Autoscaler, ImaginedWorkers, Queues, QueuesUnknown, WorkerProcesses, printer
from services.messaging import broker as brokers
from services.messaging.doorbell import BrokerDoorbell, Ring
from services.runtime.clock import Clock
from settings import Settings
from tests import factories
from tests.factories import GivenClock
from tests.servers import needed
from tests.waiting import LONGEST, Lines, until

ROOT = Path(__file__).parents[3]
ENDS_AT_THE_SECOND_SIGNAL = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("begun", flush=True)
for number in (1, 2):
    signal.sigwait({signal.SIGTERM})
    print("signal", number, flush=True)
"""


class Management(ThreadingHTTPServer):
    """Answers for each queue with what the script says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str | None]] = []
        self.answers: dict[str, tuple[int, Any]] = {}

    @property
    def url(self) -> str:
        return f"http://user:p%40ss@127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Management

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def _get(handler: _Handler) -> None:
    handler.server.asked.append((handler.path, handler.headers["Authorization"]))
    status, told = handler.server.answers.get(handler.path.rpartition("/")[2], (404, {}))
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


setattr(_Handler, "do_GET", _get)  # noqa: B010  a name of the standard library's


@pytest.fixture
def management() -> Iterator[Management]:
    with Management() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def lying(ready: int, taken: int = 0) -> tuple[int, Any]:
    return 200, {"messages_ready": ready, "messages_unacknowledged": taken}


def test_what_lies_in_all_queues_is_added_up(management: Management) -> None:
    management.answers = {"a": lying(3, 2), "b": lying(4)}
    assert Queues("amqp://h/my%2Fhost", management.url, ["a", "b", "not-there"]).load() == Load(7, 2)
    user = "Basic " + b64encode(b"user:p@ss").decode()
    assert management.asked[0] == ("/api/queues/my%2Fhost/a", user)
    Queues("amqp://h", management.url, ["a"]).load()
    assert management.asked[-1][0] == "/api/queues/%2F/a"


@pytest.mark.parametrize("answer", [(500, {}), (401, {}), (200, b"<html>"), (200, [1]), (200, {"messages_ready": "x"})])
def test_an_answer_that_tells_nothing_is_not_taken_for_an_empty_queue(
    management: Management, answer: tuple[int, Any]
) -> None:
    management.answers = {"a": answer}
    with pytest.raises(QueuesUnknown) as unknown:
        Queues("amqp://h/", management.url, ["a"]).load()
    assert "p@ss" not in str(unknown.value)


def test_a_crowded_queue_adds_workers_one_by_one_and_an_empty_one_removes_them(management: Management) -> None:
    said = io.StringIO()
    workers = ImaginedWorkers()
    queues = Queues("amqp://h/", management.url, ["a"])
    scaler = Autoscaler(queues.load, workers, printer(said, dry_run=True))
    counts = []
    script = [lying(0), *[lying(11, 8)] * 5, lying(5), lying(0, 3), (500, {}), *[lying(0)] * 5]
    for answer in script:
        management.answers = {"a": answer}
        scaler.look()
        counts.append(workers.count)
    assert counts == [1, 2, 3, 4, 5, 5, 5, 5, 5, 4, 3, 2, 1, 1]
    lines = said.getvalue().splitlines()
    assert lines[0] == "autoscale (dry run) | 0 waiting, 0 taken: adding a worker, 1 in all"
    assert lines[1] == "autoscale (dry run) | 11 waiting, 8 taken: adding a worker, 2 in all"
    assert lines[-1] == "autoscale (dry run) | 0 waiting, 0 taken: removing a worker, 1 in all"
    assert any("it answered 500 for the queue a" in line for line in lines)


def test_the_workers_are_stopped_whatever_ends_the_looking() -> None:
    stopped = []

    class Kept(ImaginedWorkers):
        def stop(self) -> None:
            stopped.append(self.count)

    stopping = threading.Event()

    def load() -> Load:
        stopping.set()
        return NO_LOAD

    Autoscaler(load, Kept(), lambda _: None).run(stopping)
    assert stopped == [1]


def test_a_worker_that_cannot_be_started_now_is_started_later() -> None:
    said: list[str] = []
    stopping = threading.Event()

    class Refused(ImaginedWorkers):
        tries = 0

        def add(self) -> None:
            self.tries += 1
            if self.tries == 1:
                raise BlockingIOError("Resource temporarily unavailable")
            super().add()
            stopping.set()

    Autoscaler(lambda: NO_LOAD, Refused(), said.append).run(stopping, every_seconds=0)
    assert said == [
        "the workers stay 0: Resource temporarily unavailable",
        "0 waiting, 0 taken: adding a worker, 1 in all",
    ]


def test_workers_have_names_of_their_own_and_may_live_in_a_folder_with_spaces(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "cli.py").write_text("import signal; print('begun', flush=True); signal.pause()")
    lines = Lines()
    workers = WorkerProcesses(folder, os.environ, grace_seconds=10, output=lines)
    workers.add()
    assert lines.wait_for("begun").startswith("worker.1")
    workers.remove()
    workers.add()
    assert lines.wait_for("begun").startswith("worker.2")
    workers.stop()


def test_a_worker_that_finishes_its_runs_is_told_to_hurry(tmp_path: Path) -> None:
    (tmp_path / "cli.py").write_text(ENDS_AT_THE_SECOND_SIGNAL)
    lines = Lines()
    workers = WorkerProcesses(tmp_path, os.environ, grace_seconds=LONGEST, output=lines)
    workers.add()
    lines.wait_for("begun")
    workers.remove()
    lines.wait_for("signal 1")
    workers.hurry()
    workers.stop()
    assert "status 0" in lines.wait_for("worker.1 stopped")


# --- RabbitMQ's own API ------------------------------------------------------------------------------------


def rung(rabbitmq_url: str, count: int) -> None:
    """Leave so many rings in the queue of callbacks."""
    settings = Settings(rabbitmq_url=rabbitmq_url, database_url="postgresql://nowhere/x")
    broker = brokers.build(settings, "test")
    broker.declare_queue(brokers.RUNS_HTTP)
    clock: Clock = GivenClock()
    doorbell = BrokerDoorbell(broker, clock)
    doorbell.start()
    doorbell.ring(Ring(uuid4(), brokers.RUNS_HTTP) for _ in range(count))
    until(lambda: broker.ready(brokers.RUNS_HTTP) == count, "the rings to lie ready")
    doorbell.close(timeout_seconds=2)
    broker.close()


def test_rabbitmqs_own_api_tells_what_lies_in_its_queues(rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoscale, "_TIMEOUT_SECONDS", LONGEST)
    queues = Queues(rabbitmq_url, needed("TEST_RABBITMQ_MANAGEMENT_URL"), brokers.RUNS)
    assert queues.load() == NO_LOAD, "queues that are not there yet"
    rung(rabbitmq_url, 12)
    until(lambda: queues.load() == Load(12, 0), "the API to tell of twelve rings")


def environment(postgresql: str, rabbitmq_url: str, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": postgresql,
        "RABBITMQ_URL": rabbitmq_url,
        "RABBITMQ_MANAGEMENT_URL": needed("TEST_RABBITMQ_MANAGEMENT_URL"),
        "SHUTDOWN_GRACE_SECONDS": "1",
        "DATA_DIR": str(factories.own_data_dir),
        **more,
    }


def autoscaling(surroundings: dict[str, str], log: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(ROOT / "cli.py"), "autoscale", *options]
    return subprocess.Popen(command, env=surroundings, stdout=log.open("wb"), stderr=subprocess.STDOUT, cwd=ROOT)


def ends(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(LONGEST)


def contains(log: Path, text: str) -> Callable[[], bool]:
    return lambda: text in log.read_text()


def test_a_dry_run_says_what_it_would_do_and_starts_nothing(postgresql: str, rabbitmq_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = autoscaling(environment(postgresql, rabbitmq_url), log, "--dry-run")
    until(contains(log, "adding a worker, 1 in all"), "the first look")
    assert ends(process) == 0
    assert "worker.1" not in log.read_text()


def test_a_worker_is_started_and_ends_with_the_autoscaler(postgresql: str, rabbitmq_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = autoscaling(environment(postgresql, rabbitmq_url), log)
    until(contains(log, "executing_runs"), "the first worker to execute runs")
    assert ends(process) == 0
    assert "worker.1 stopped (status 0)" in log.read_text()
