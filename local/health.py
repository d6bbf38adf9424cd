"""Health of the processes that serve no API: `/healthz` while alive, `/readyz` until told to stop."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.processes import LocalServerError


@contextmanager
def endpoint(port: int | None, stopping: threading.Event) -> Iterator[None]:
    """Answer health checks on this loopback port while the block runs; on none without a port.

    Raises `LocalServerError` when the port cannot be had.
    """
    if port is None:
        yield
        return
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(stopping))
    except OSError as error:
        raise LocalServerError(f"HEALTH_PORT={port} cannot be had: {error.strerror}; name a free port.") from None
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _handler(stopping: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._answer(HTTPStatus.OK, {"status": "ok"})
            elif self.path == "/readyz" and stopping.is_set():
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "unavailable"})
            elif self.path == "/readyz":
                self._answer(HTTPStatus.OK, {"status": "ready"})
            else:
                self._answer(HTTPStatus.NOT_FOUND, {"status": "not found"})

        def _answer(self, status: HTTPStatus, body: dict[str, str]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the standard library's name
            """Say nothing: health checks come all the time."""

    return Handler
