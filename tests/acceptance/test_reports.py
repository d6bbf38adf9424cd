"""202 and report later, on the real processes: a run waits on while the server dies and comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.acceptance.installation import Installation, until

TOKEN = "X-Carillon-Report-Token"  # noqa: S105  the name of a header


class Receiver(ThreadingHTTPServer):
    """Answers every callback with 202, and keeps where and by what to report."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.callbacks: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def _post(handler: _Handler) -> None:
    handler.rfile.read(int(handler.headers["Content-Length"]))
    handler.server.callbacks.append((handler.headers["X-Carillon-Report-URL"], handler.headers[TOKEN]))
    handler.send_response(202)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


setattr(_Handler, "do_POST", _post)  # noqa: B010  a name of the standard library's


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def report(receiver: Receiver, kind: str, body: Any) -> requests.Response:
    """What the receiver is answered that reports as the newest callback tells it to."""
    url, token = receiver.callbacks[-1]
    return requests.post(f"{url}/{kind}", json=body, headers={TOKEN: token}, timeout=10)


def test_a_run_waits_for_its_report_while_the_server_dies_and_comes_back(tmp_path: Path, receiver: Receiver) -> None:
    with Installation(tmp_path, {"serve": 1}, {}) as installation:
        job_id = installation.create({"type": "immediate"}, callback_url=receiver.url)
        until(lambda: run(installation, job_id)["waiting_for_report"], "the run to wait for its report")
        installation.kill_and_wait("serve")
        until(installation.is_ready, "the server to come back")
        assert run(installation, job_id)["waiting_for_report"]
        assert report(receiver, "heartbeat", {"seconds": 120}).status_code == 200
        answer = report(receiver, "complete", {"result": {"pages": 3}})
        assert (answer.status_code, answer.json()["outcome"]) == (200, "succeeded")
        assert run(installation, job_id)["status"] == "completed"
        assert len(receiver.callbacks) == 1
        _, token = receiver.callbacks[0]
        assert token not in installation.log.read_text()


def run(installation: Installation, job_id: str) -> dict[str, Any]:
    [only] = installation.runs([job_id])[job_id]
    return only
