"""A receiver that answers 200 and notes whose callback it was."""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Receiver:
    """Listens on a loopback port for the block; counts the callbacks of each run, and knows its job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._jobs: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._note))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def jobs(self) -> set[str]:
        """Returns the jobs that were called for at least once."""
        with self._lock:
            return set(self._jobs.values())

    def repeated(self) -> set[str]:
        """Returns the runs that were called for more than once."""
        with self._lock:
            return {run_id for run_id, count in self._calls.items() if count > 1}

    def total(self) -> int:
        """Returns how many callbacks came."""
        with self._lock:
            return self._calls.total()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _note(self, run_id: str, job_id: str) -> None:
        with self._lock:
            self._calls[run_id] += 1
            self._jobs[run_id] = job_id


def _handler(note: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            note(self.headers["X-Carillon-Run-Id"], self.headers["X-Carillon-Job-Id"])
            answer = json.dumps({"ok": True}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the standard library's name
            """Say nothing."""

    return Handler
