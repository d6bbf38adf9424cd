"""A receiver that takes its time, sometimes fails, and notes from when to when each call was there."""

from __future__ import annotations

import json
import random
import select
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

from bench.drills.limit_journal import Call
from processes.serving.quiet_server import QuietServer

_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.05, 0.4
_FAILING = 0.05  # of all calls


class SlowReceiver:
    """Listens on a loopback port for the block. What each call costs is drawn from the seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._server = QuietServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def calls(self) -> list[Call]:
        """Returns the calls that are over."""
        with self._lock:
            return list(self._calls)

    def drawn(self, number: int, attempt: int) -> tuple[float, int]:
        """Returns how long a call takes, and its status."""
        draws = random.Random(f"{self._seed}/{number}/{attempt}")
        seconds = draws.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS)
        return seconds, 503 if draws.random() < _FAILING else 200

    def note(self, call: Call) -> None:
        """Keep a call that is over."""
        with self._lock:
            self._calls.append(call)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(receiver: SlowReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            arrived = time.time()
            data = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["payload"]["data"]
            run_id, attempt = self.headers["X-Carillon-Run-Id"], int(self.headers["X-Carillon-Attempt"])
            seconds, status = receiver.drawn(data["n"], attempt)
            self.close_connection = not _stays(self.connection, arrived + seconds)
            receiver.note(Call(run_id, attempt, tuple(data["keys"]), arrived, time.time()))
            if not self.close_connection:
                self._answer(status)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the standard library's name
            """Say nothing."""

    return Handler


def _stays(caller: socket.socket, until: float) -> bool:
    """Return at an instant, or as soon as the caller is gone. Returns whether they are still there."""
    readable, _, _ = select.select([caller], [], [], max(0.0, until - time.time()))
    return not readable
