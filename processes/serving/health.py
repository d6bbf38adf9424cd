"""Health of the processes that serve no API: `/healthz` while alive, `/readyz` until told to stop; and `/metrics`."""

from __future__ import annotations

import hmac
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from core import networks
from processes.programs import ProgramError
from processes.serving.quiet_server import QuietServer
from services.messaging.broker_troubles import BROKER
from services.runtime.database_troubles import DATABASE, names_of
from services.runtime.metric_states import State
from services.runtime.metrics import CONTENT_TYPE, Metrics
from services.runtime.troubles import Trouble
from settings import Settings

_SLOWEST_REQUEST_SECONDS = 10
_NONE: Mapping[str, str] = MappingProxyType({})
_TAKEN = {"Allow": "GET, HEAD, OPTIONS"}
_REFUSED = "send the server's INTERNAL_SECRET as Authorization: Bearer, or ask from this machine if none is set"


@contextmanager
def endpoint(
    settings: Settings,
    stopping: threading.Event,
    troubles: Callable[[], Sequence[Trouble]],
    metrics: Metrics,
    *,
    uses_database: bool = True,
    uses_broker: bool = True,
) -> Iterator[None]:
    """Answer health checks and Prometheus on HEALTH_HOST and HEALTH_PORT while the block runs.

    Does nothing without a port. Raises `ProgramError` if the port cannot be bound.
    """
    if settings.health_port is None:
        yield
        return

    def page() -> bytes:
        return metrics.page(_state(troubles(), uses_database=uses_database, uses_broker=uses_broker))

    handler = _handler(settings.internal_secret, stopping, troubles, page)
    server = listening(settings.health_host, settings.health_port, handler)
    threading.Thread(target=server.serve_forever, args=(0.1,), name="health", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def listening(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    """Returns a server on this address, which does not serve yet. Raises `ProgramError` if it cannot be bound."""

    class Server(QuietServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def server_bind(self) -> None:
            """Bind without looking up a name for the address, as the standard library would."""
            socketserver.TCPServer.server_bind(self)

    try:
        return Server((host, port), handler)
    except OSError as error:
        raise ProgramError(
            f"HEALTH_PORT={port} cannot be bound on HEALTH_HOST={host}: {error.strerror}; name a free port, and an "
            f"address of this host."
        ) from None


def _handler(
    secret: SecretStr | None,
    stopping: threading.Event,
    troubles: Callable[[], Sequence[Trouble]],
    page: Callable[[], bytes],
) -> type[BaseHTTPRequestHandler]:
    class Handler(HealthHandler):
        def readiness(self) -> tuple[HTTPStatus, dict[str, Any]]:
            return _readiness(stopping.is_set(), troubles())

        def metrics(self) -> bytes | None:
            shown = self.headers.get("Authorization", "")
            return page() if may_see_metrics(secret, shown, str(self.client_address[0])) else None

    return Handler


class HealthHandler(BaseHTTPRequestHandler):
    """Answers health checks and Prometheus; logs nothing, since health checks come all the time."""

    timeout = _SLOWEST_REQUEST_SECONDS

    def readiness(self) -> tuple[HTTPStatus, dict[str, Any]]:
        """Returns the answer to /readyz."""
        raise NotImplementedError

    def metrics(self) -> bytes | None:
        """Returns the page for Prometheus; None for callers who may not see it."""
        raise NotImplementedError

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.rstrip("/")
        if path == "/healthz":
            self.answer(HTTPStatus.OK, {"status": "ok"})
        elif path == "/readyz":
            self.answer(*self.readiness())
        elif path == "/metrics":
            self._answer_metrics(self.metrics())
        else:
            self.answer(HTTPStatus.NOT_FOUND, {"status": "not found"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_OPTIONS(self) -> None:
        self.answer(HTTPStatus.OK, {}, _TAKEN)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a bad request: 405 to an unknown method, where the standard library would answer 501."""
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self.answer(HTTPStatus.METHOD_NOT_ALLOWED, {"status": "method not allowed"}, _TAKEN)
        else:
            super().send_error(code, message, explain)

    def _answer_metrics(self, page: bytes | None) -> None:
        if page is None:
            self.answer(HTTPStatus.UNAUTHORIZED, {"status": _REFUSED}, {"WWW-Authenticate": "Bearer"})
        else:
            self._send(HTTPStatus.OK, page, {"Content-Type": CONTENT_TYPE})

    def answer(self, status: HTTPStatus, body: dict[str, Any], headers: Mapping[str, str] = _NONE) -> None:
        """Answer with JSON."""
        self._send(status, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})

    def _send(self, status: HTTPStatus, data: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the standard library's name
        """Log nothing: health checks come all the time."""


def may_see_metrics(secret: SecretStr | None, shown: str, address: str) -> bool:
    """Whether a caller sends INTERNAL_SECRET or, if none is set, calls from this machine: metrics name apps."""
    if secret is None:
        return networks.is_loopback(address)
    wanted = f"Bearer {secret.get_secret_value()}"
    return hmac.compare_digest(shown.encode("latin-1", "replace"), wanted.encode())


def _state(troubles: Sequence[Trouble], *, uses_database: bool, uses_broker: bool) -> State:
    parts = [one.part for one in troubles]
    database = DATABASE not in parts if uses_database else None
    broker = BROKER not in parts if uses_broker else None
    return State(database, broker, parts, names_of(troubles))


def _readiness(is_stopping: bool, troubles: Sequence[Trouble]) -> tuple[HTTPStatus, dict[str, Any]]:
    told = {"troubles": [asdict(one) for one in dict.fromkeys(troubles)]}
    if is_stopping:
        return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "unavailable", **told}
    return HTTPStatus.OK, {"status": "degraded" if troubles else "ready", **told}
