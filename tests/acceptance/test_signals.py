"""SIGTERM and SIGINT at any moment: while a process starts, waits, serves or already stops, also as process 1."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from local import ports
from processes import programs
from tests.acceptance.installation import ROOT, free_port
from tests.waiting import LONGEST, until

OF_SERVICES = ("web", "worker", "coordinator", "periodic")
SOON_SECONDS = 60  # about two are promised; a machine may be slow, and what is wrong lasts for ever
BEGUN, NOT_BEGUN = 0, 128 + signal.SIGTERM
EARLY = (BEGUN, NOT_BEGUN)  # how far a process has come is up to the machine
AS_PROCESS_ONE = ("unshare", "--fork", "--pid", "--mount-proc")


def may_unshare() -> bool:
    """Whether this machine lets us be process 1 of a namespace."""
    try:
        return subprocess.run([*AS_PROCESS_ONE, "true"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


class Process:
    """One process of Carillon, perhaps within a command that makes it process 1."""

    def __init__(self, name: str, environment: dict[str, str], log: Path, within: tuple[str, ...] = ()) -> None:
        self._within = bool(within)
        self.log = log
        with log.open("wb") as output:
            self.popen = programs.spawn(
                [*within, sys.executable, str(ROOT / "cli.py"), name], output=output, environment=environment
            )

    @property
    def pid(self) -> int | None:
        """The id of Python's own process, once there is one."""
        children = programs.descendants(self.popen.pid) if self._within else [self.popen.pid]
        return children[0] if children else None

    def obeys(self) -> bool:
        """Whether SIGTERM has a handler by now."""
        status = Path(f"/proc/{self.pid}/status")
        caught = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigCgt")]
        return bool(int(caught[0], 16) & 1 << (signal.SIGTERM - 1))

    def wait_to_obey(self) -> None:
        until(lambda: self.pid is not None and self.obeys(), "SIGTERM to be handled")

    def logs(self, text: str) -> Callable[[], bool]:
        return lambda: text in self.log.read_text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit status after a signal, which must come soon."""
        assert self.pid is not None
        os.kill(self.pid, number)
        return self.popen.wait(SOON_SECONDS)


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Process] = []

    def start(name: str, within: tuple[str, ...] = (), **environment: str) -> Process:
        surroundings = {"PATH": os.environ["PATH"], "PORT": str(free_port()), "DATA_DIR": str(tmp_path / "data")}
        started.append(Process(name, {**surroundings, **environment}, tmp_path / f"{name}.log", within))
        return started[-1]

    yield start
    for process in started:
        programs.kill_family(process.popen)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def away(database_port: int = 1, broker_port: int = 1) -> dict[str, str]:
    return {
        "DATABASE_URL": f"postgresql://carillon@127.0.0.1:{database_port}/carillon",
        "RABBITMQ_URL": f"amqp://guest:guest@127.0.0.1:{broker_port}/",
    }


@pytest.mark.parametrize("name", [*OF_SERVICES, "migrate", "autoscale"])
def test_a_process_that_is_being_imported_ends_at_once(start: Start, name: str) -> None:
    process = start(name, **away())
    process.wait_to_obey()
    assert process.end() in EARLY
    assert "Traceback" not in process.log.read_text()


@pytest.mark.parametrize("name", ["web", "worker", "coordinator"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_waits_for_its_database_ends_well(start: Start, name: str, number: signal.Signals) -> None:
    process = start(name, **away())
    until(process.logs("waiting_for_database"), "it to say that it waits")
    assert process.end(number) == BEGUN


@pytest.mark.parametrize(
    ("name", "setting"), [("web", "PORT"), ("worker", "HEALTH_PORT"), ("coordinator", "HEALTH_PORT")]
)
def test_a_process_that_waits_for_its_database_lives_and_is_not_ready(start: Start, name: str, setting: str) -> None:
    port = free_port()
    process = start(name, **{**away(), setting: str(port)})
    until(lambda: not ports.is_free(port), "it to listen")
    assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=LONGEST).status_code == 200
    ready = requests.get(f"http://127.0.0.1:{port}/readyz", timeout=LONGEST)
    assert (ready.status_code, [one["part"] for one in ready.json()["troubles"]]) == (503, ["database"])
    refused = requests.post(f"http://127.0.0.1:{port}/api/jobs/create", json={}, timeout=LONGEST)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert process.end() == BEGUN


@pytest.mark.parametrize(
    ("name", "status"), [("web", BEGUN), ("worker", BEGUN), ("autoscale", BEGUN), ("migrate", NOT_BEGUN)]
)
def test_a_process_whose_database_is_silent_ends(start: Start, silent: socket.socket, name: str, status: int) -> None:
    process = start(name, **away(database_port=silent.getsockname()[1]))
    connection, _ = silent.accept()
    with connection:
        assert process.end() == status


@pytest.mark.parametrize("name", ["web", "worker", "coordinator", "periodic"])
def test_a_process_whose_broker_is_silent_ends(start: Start, silent: socket.socket, postgresql: str, name: str) -> None:
    silent_broker = away(broker_port=silent.getsockname()[1])["RABBITMQ_URL"]
    process = start(name, DATABASE_URL=postgresql, RABBITMQ_URL=silent_broker)
    if name == "periodic":  # its connection is opened at the full minute
        process.wait_to_obey()
        assert process.end() in EARLY
        return
    connection, _ = silent.accept()
    with connection:
        until(process.logs({"web": "serving", "worker": "executing_runs", "coordinator": "coordinating"}[name]), name)
        assert process.end() == BEGUN


@pytest.mark.skipif(not may_unshare(), reason="needs the right to make a namespace of processes (root)")
@pytest.mark.parametrize("name", ["web", "worker", "coordinator", "periodic", "serve"])
def test_as_process_one_of_a_container_a_process_ends_however_early_it_is_told(start: Start, name: str) -> None:
    process = start(name, AS_PROCESS_ONE, **({} if name == "serve" else away()))
    process.wait_to_obey()
    assert process.end() in EARLY


@pytest.mark.skipif(not may_unshare(), reason="needs the right to make a namespace of processes (root)")
@pytest.mark.parametrize("name", ["web", "worker", "coordinator"])
def test_as_process_one_a_process_ends_while_its_database_is_away(start: Start, name: str) -> None:
    process = start(name, AS_PROCESS_ONE, **away())
    until(process.logs("waiting_for_database"), "it to say that it waits")
    assert process.end() == BEGUN


def test_idle_connections_that_clients_keep_do_not_hold_up_the_end(start: Start) -> None:
    port = free_port()
    server = start("serve", PORT=str(port))
    until(server.logs("Carillon serves"), "the server")
    with socket.create_connection(("127.0.0.1", port)) as kept:
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in kept.recv(100)
        assert server.end() == BEGUN


def test_an_idle_connection_is_closed_after_the_time_that_is_set(start: Start) -> None:
    port = free_port()
    server = start("serve", PORT=str(port), KEEP_ALIVE_SECONDS="1")
    until(server.logs("Carillon serves"), "the server")
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST) as idle:
        answers = idle.makefile("rb")
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answers.read().endswith(b'{"status":"ok"}'), "and then the server hung up"
    assert server.end() == BEGUN


def test_the_receiver_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.receiver", "--port", str(free_port()), "--folder", str(tmp_path)]
    receiver = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert receiver.stdout is not None
    assert receiver.stdout.readline().startswith(b"Listening")
    receiver.terminate()
    assert receiver.wait(SOON_SECONDS) == 0
    receiver.stdout.close()
