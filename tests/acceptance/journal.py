"""A receiver that writes down each call's start and end, and answers as the test says."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.waiting import LONGEST


@dataclass
class Call:
    """One callback: which attempt at which run, and when it was under way (monotonic; `ended` None while it is)."""

    key: str
    run_id: str
    job_id: str
    attempt: int
    task_type: str
    body: dict[str, Any]
    started: float
    ended: float | None = None
    hung_up: bool = False
    connection: socket.socket | None = field(default=None, repr=False)

    def abandoned_at(self) -> datetime:
        """Wait until the caller closes the connection of a call under way. Returns the instant."""
        assert self.connection is not None
        if not select.select([self.connection], [], [], LONGEST)[0]:
            raise AssertionError(f"waited {LONGEST} s in vain for the caller of run {self.run_id} to hang up")
        closed_at = datetime.now(UTC)
        with suppress(ConnectionResetError):
            assert self.connection.recv(1, socket.MSG_PEEK) == b"", "the caller sends more"
        return closed_at


@dataclass
class Answer:
    """What a call is answered."""

    status: int = 200
    body: dict[str, Any] = field(default_factory=lambda: {"status": "success"})


Behaviour = Callable[[Call], Answer]


class Gate:
    """A behaviour that can be closed: calls that come while it is wait, so that a failure falls while they go on."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self._behaviour = behaviour or (lambda _call: Answer())
        self._changed = threading.Condition()
        self._let_in: int | None = None
        self._openings = 0
        self._held: list[Call] = []

    def __call__(self, call: Call) -> Answer:
        with self._changed:
            if self._let_in == 0:
                self._hold(call)
            elif self._let_in is not None:
                self._let_in -= 1
        return self._behaviour(call)

    def close(self, after: int = 0) -> None:
        """Hold what comes, after so many more calls."""
        with self._changed:
            self._let_in = after

    def wait_until_held(self, count: int, timeout: float = LONGEST) -> list[Call]:
        """Return when so many calls are held; these calls."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._held) >= count, timeout):
                raise AssertionError(f"waited {timeout} s in vain for {count} calls to be held; {len(self._held)} are")
            return list(self._held)

    def open(self) -> None:
        """Release all held calls, and hold no more."""
        with self._changed:
            self._let_in = None
            self._openings += 1
            self._held = []
            self._changed.notify_all()

    def _hold(self, call: Call) -> None:
        opened = self._openings
        self._held.append(call)
        self._changed.notify_all()
        self._changed.wait_for(lambda: self._openings > opened, LONGEST)


class Journal:
    """Listens on loopback; `behave` decides each answer, on the call's own thread, and may block."""

    def __init__(self, behave: Behaviour | None = None) -> None:
        self.behave: Behaviour = behave or (lambda _call: Answer())
        self._calls: list[Call] = []
        self._changed = threading.Condition()
        journal = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                call = journal.begin(self, body)
                answer = journal.behave(call)
                journal.end(call)
                data = json.dumps(answer.body).encode()
                try:
                    self.send_response(answer.status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    call.hung_up = True

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def begin(self, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> Call:
        call = Call(
            key=request.headers["Idempotency-Key"],
            run_id=request.headers["X-Carillon-Run-Id"],
            job_id=request.headers["X-Carillon-Job-Id"],
            attempt=int(request.headers["X-Carillon-Attempt"]),
            task_type=request.path.rpartition("/")[2],
            body=body,
            started=time.monotonic(),
            connection=request.connection,
        )
        with self._changed:
            self._calls.append(call)
            self._changed.notify_all()
        return call

    def end(self, call: Call) -> None:
        with self._changed:
            call.ended = time.monotonic()
            self._changed.notify_all()

    def forget(self) -> None:
        """Begin again: without calls, and with the behaviour that answers everything well."""
        with self._changed:
            self._calls = []
        self.behave = lambda _call: Answer()

    @property
    def calls(self) -> list[Call]:
        """Every call so far, in the order of their start."""
        with self._changed:
            return list(self._calls)

    def wait_for(self, predicate: Callable[[list[Call]], bool], what: str, timeout: float = LONGEST) -> None:
        """Return when the calls fulfil the predicate; fail the test otherwise."""
        with self._changed:
            if not self._changed.wait_for(lambda: predicate(self._calls), timeout):
                raise AssertionError(f"waited {timeout} s in vain for {what}; {len(self._calls)} calls came")

    def by_run(self) -> dict[str, list[Call]]:
        """The calls for each run, in the order of their start."""
        grouped: dict[str, list[Call]] = defaultdict(list)
        for call in self.calls:
            grouped[call.run_id].append(call)
        return grouped

    def called_again(self) -> dict[str, list[Call]]:
        """The calls for each run that was called more than once."""
        return {run_id: calls for run_id, calls in self.by_run().items() if len(calls) > 1}
