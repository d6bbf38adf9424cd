"""Five hundred runs that wait for reports hold no thread: eight threads go on doing other jobs meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest

from actors.main import RunWorker
from core.states import RunStatus
from models import database
from models.tables import Run
from services import jobs
from services.broker import InProcessBroker
from services.clock import DatabaseClock
from services.doorbell import BrokerDoorbell
from services.reporting import reports
from services.reporting.reports import Sender
from services.system import System
from settings import Settings
from tests.acceptance.installation import until
from tests.factories import new_job

WAITING = 500
OTHERS = 40
THREADS = 8


class Receiver(ThreadingHTTPServer):
    """Answers `/later` with 202, anything else with 200, and keeps the tokens that came."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tokens: dict[UUID, str] = {}

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def _post(handler: _Handler) -> None:
    handler.rfile.read(int(handler.headers["Content-Length"]))
    later = handler.path == "/later"
    if later:
        run_id = UUID(handler.headers["X-Carillon-Report-URL"].rpartition("/")[2])
        handler.server.tokens[run_id] = handler.headers["X-Carillon-Report-Token"]
    handler.send_response(202 if later else 200)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


setattr(_Handler, "do_POST", _post)  # noqa: B010  a name of the standard library's


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def worker(sqlite: str) -> Iterator[tuple[System, RunWorker]]:
    """A whole worker on a broker inside the process."""
    carrier, clock = InProcessBroker(), DatabaseClock()
    doorbell = BrokerDoorbell(carrier, clock)
    system = System(Settings(account_rate=None, worker_threads=THREADS, shutdown_grace_seconds=1), clock, doorbell)
    made = RunWorker(system, carrier)
    doorbell.start()
    made.start()
    yield system, made
    made.stop()
    doorbell.close(timeout_seconds=1)
    carrier.close()


def counted(status: RunStatus, *, waiting: bool) -> int:
    with database.reading():
        return Run.select().where(Run.status == status, Run.reports_until.is_null(not waiting)).count()


def test_five_hundred_waiting_runs_hold_no_thread(receiver: Receiver, worker: tuple[System, RunWorker]) -> None:
    system, at_work = worker
    later = [new_job(callback_url=receiver.url("later")) for _ in range(WAITING)]
    jobs.create_many(system, later, all_or_none=True)
    until(lambda: counted(RunStatus.RUNNING, waiting=True) == WAITING, "every run to wait for its report")
    until(lambda: not at_work._leases._held, "the last thread to come free")
    jobs.create_many(system, [new_job(callback_url=receiver.url("now")) for _ in range(OTHERS)], all_or_none=True)
    until(lambda: counted(RunStatus.COMPLETED, waiting=False) == OTHERS, "other jobs to be done meanwhile")
    assert counted(RunStatus.RUNNING, waiting=True) == WAITING
    at_work._leases.renew()
    for run_id, token in receiver.tokens.items():
        reports.complete(system, Sender(run_id, token), None, None)
    assert counted(RunStatus.COMPLETED, waiting=False) == WAITING + OTHERS
