"""A receiver that takes work on with a 202, and keeps where and by what to report of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "X-Carillon-Report-Token"  # noqa: S105  the name of a header


class ReportReceiver(ThreadingHTTPServer):
    """Answers `/at-once` with 200, anything else with 202 and keeps the report's address and token."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.callbacks: list[tuple[str, str]] = []

    def url(self, path: str = "") -> str:
        """An address of this receiver."""
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class _Handler(BaseHTTPRequestHandler):
    server: ReportReceiver

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def _post(handler: _Handler) -> None:
    handler.rfile.read(int(handler.headers["Content-Length"]))
    later = handler.path != "/at-once"
    if later:
        handler.server.callbacks.append((handler.headers["X-Carillon-Report-URL"], handler.headers[TOKEN]))
    handler.send_response(202 if later else 200)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


setattr(_Handler, "do_POST", _post)  # noqa: B010  a name of the standard library's


@contextmanager
def receiving() -> Iterator[ReportReceiver]:
    """A receiver that answers until the block is left."""
    with ReportReceiver() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
