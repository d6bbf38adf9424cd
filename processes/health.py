"""Health of the processes that serve no API: `/healthz` while alive, `/readyz` until told to stop."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from processes.programs import LocalServerError
from services.runtime.troubles import Trouble
from settings import Settings

_SLOWEST_REQUEST_SECONDS = 10
_TAKEN = ("GET", "HEAD")


@contextmanager
def endpoint(
    settings: Settings, stopping: threading.Event, troubles: Callable[[], Sequence[Trouble]]
) -> Iterator[None]:
    """Answer health checks on HEALTH_HOST and HEALTH_PORT while the block runs; without a port, do nothing.

    Raises `LocalServerError` if the port cannot be bound.
    """
    if settings.health_port is None:
        yield
        return
    server = _listening(settings.health_host, settings.health_port, _handler(stopping, troubles))
    threading.Thread(target=server.serve_forever, args=(0.1,), name="health", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _listening(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def server_bind(self) -> None:
            """Bind without looking up a name for the address, as the standard library would."""
            socketserver.TCPServer.server_bind(self)

    try:
        return Server((host, port), handler)
    except OSError as error:
        raise LocalServerError(
            f"HEALTH_PORT={port} cannot be bound on HEALTH_HOST={host}: {error.strerror}; name a free port, and an "
            f"address of this host."
        ) from None


def _handler(stopping: threading.Event, troubles: Callable[[], Sequence[Trouble]]) -> type[BaseHTTPRequestHandler]:
    class Handler(_HealthHandler):
        def readiness(self) -> tuple[HTTPStatus, dict[str, Any]]:
            return _readiness(stopping.is_set(), troubles())

    return Handler


class _HealthHandler(BaseHTTPRequestHandler):
    timeout = _SLOWEST_REQUEST_SECONDS

    def readiness(self) -> tuple[HTTPStatus, dict[str, Any]]:
        """Returns the answer to /readyz."""
        raise NotImplementedError

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.rstrip("/")
        if path == "/healthz":
            self._answer(HTTPStatus.OK, {"status": "ok"})
        elif path == "/readyz":
            self._answer(*self.readiness())
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"status": "not found"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_OPTIONS(self) -> None:
        self._answer(HTTPStatus.OK, {})

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a bad request: 405 to an unknown method, where the standard library would answer 501."""
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self._answer(HTTPStatus.METHOD_NOT_ALLOWED, {"status": "method not allowed"})
        else:
            super().send_error(code, message, explain)

    def _answer(self, status: HTTPStatus, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        if self.command not in _TAKEN:
            self.send_header("Allow", ", ".join((*_TAKEN, "OPTIONS")))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the standard library's name
        """Log nothing: health checks come all the time."""


def _readiness(is_stopping: bool, troubles: Sequence[Trouble]) -> tuple[HTTPStatus, dict[str, Any]]:
    told = {"troubles": [asdict(one) for one in dict.fromkeys(troubles)]}
    if is_stopping:
        return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "unavailable", **told}
    return HTTPStatus.OK, {"status": "degraded" if troubles else "ready", **told}
