"""A receiver of callbacks that notes when each call began and ended, and how it was answered.

A call has ended when its answer is sent, or as soon as the caller has hung up.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import requests

from bench.chaos.answers import Answer
from bench.chaos.journal import Call, Journal, Report

_LOOK_SECONDS = 0.02
_LONGEST_HOLD_SECONDS = 30.0
_REPORT_AFTER_SECONDS = 0.4
_REPORT_TRIES = 40
_RESET = struct.pack("ii", 1, 0)  # close with a reset


class Receiver:
    """Answers on a loopback port as it is told to, by the number of the job and the call.

    Faults may hold calls, or make it refuse all of them.
    """

    def __init__(self, answer: Callable[[int, Call], Answer], journal: Journal) -> None:
        self.is_down = False
        self.holds_first = False  # calls of first attempts wait
        self.first_kept: frozenset[str] = frozenset()  # of these runs, the calls of first attempts wait
        self.later_kept: frozenset[str] = frozenset()  # of these runs, those of later ones
        self.held: set[tuple[str, int]] = set()  # calls that are held now: run and attempt
        self._answer = answer
        self._journal = journal
        self._reports = ThreadPoolExecutor(8, thread_name_prefix="reports")
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receive = self._receive
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._reports.shutdown(cancel_futures=True)

    def _receive(self, request: BaseHTTPRequestHandler) -> None:
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        call = _begun(request, body)
        self._journal.calls.append(call)
        number = _data(body).get("n", 0)
        reply = Answer(resets=True) if self.is_down else self._answer(number, call)
        until = time.monotonic() + reply.wait_seconds
        limit = time.monotonic() + _LONGEST_HOLD_SECONDS
        waited = _wait(
            request.connection,
            lambda: time.monotonic() >= until and (not self._is_held(call) or time.monotonic() > limit),
        )
        self.held.discard((call.run_id, call.attempt))
        if waited and not reply.resets:
            call.status = reply.status
            call.ended = time.time()  # before the answer is sent: what follows it begins later
            _send(request, reply)
        else:
            _reset(request)
            call.ended = time.time()
        if call.status == requests.codes.accepted:
            url, token = request.headers["X-Carillon-Report-URL"], request.headers["X-Carillon-Report-Token"]
            self._reports.submit(self._report, call, url, token)

    def _is_held(self, call: Call) -> bool:
        first_is_held = self.holds_first or call.run_id in self.first_kept
        is_held = call.run_id in self.later_kept if call.attempt > 1 else first_is_held
        if is_held:
            self.held.add((call.run_id, call.attempt))
        return is_held

    def _report(self, call: Call, url: str, token: str) -> None:
        """Complete a run that was taken on with 202, however often it takes."""
        for _ in range(_REPORT_TRIES):
            time.sleep(_REPORT_AFTER_SECONDS)
            with contextlib.suppress(requests.RequestException):
                done = requests.post(
                    f"{url}/complete",
                    json={"result": {"attempt": call.attempt}},
                    headers={"X-Carillon-Report-Token": token},
                    timeout=5,
                )
                if done.status_code != requests.codes.unavailable:
                    self._journal.reports.append(Report(call.run_id, call.attempt, done.status_code))
                    return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    receive: Callable[[BaseHTTPRequestHandler], None]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the caller has hung up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        self.server.receive(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


def _begun(request: BaseHTTPRequestHandler, body: dict[str, Any]) -> Call:
    headers = request.headers
    return Call(
        run_id=headers["X-Carillon-Run-Id"],
        job_id=headers["X-Carillon-Job-Id"],
        key=headers["Idempotency-Key"],
        attempt=int(headers["X-Carillon-Attempt"]),
        task_type=request.path.rpartition("/")[2],
        started=time.time(),
        polls=(body.get("polling_state") or {}).get("polls", 0) if "polling_state" in body else None,
        edition=_data(body).get("edition"),
    )


def _data(body: dict[str, Any]) -> dict[str, Any]:
    return body["payload"]["data"] or {}


def _wait(connection: socket.socket, is_over: Callable[[], bool]) -> bool:
    """Return True when it is time to answer, False as soon as the caller has hung up."""
    while not is_over():
        if select.select([connection], [], [], _LOOK_SECONDS)[0]:
            try:
                if connection.recv(1, socket.MSG_PEEK) == b"":
                    return False
            except OSError:
                return False
    return True


def _send(request: BaseHTTPRequestHandler, reply: Answer) -> None:
    with contextlib.suppress(OSError):
        request.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(reply.body)))
        request.end_headers()
        request.wfile.write(reply.body)


def _reset(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True
    with contextlib.suppress(OSError):
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        request.connection.close()
