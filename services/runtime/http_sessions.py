"""HTTP sessions that trust CA_BUNDLE, ignore proxies and credentials of the environment, and bound each answer."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path
from typing import Any, TypeVar

import certifi
import requests
from requests.adapters import HTTPAdapter

MAX_BYTES = 1024 * 1024
_CHUNK_BYTES = 65_536

Session = TypeVar("Session", bound=requests.Session)


class _Bounded(HTTPAdapter):
    """Ends whatever takes longer than so many seconds in all, or is larger than `MAX_BYTES`. For one answer at a time.

    The timeouts of requests count for each read: a sender of a byte now and then would never meet them.
    """

    def __init__(self, context: ssl.SSLContext, seconds: float) -> None:
        self._context = context
        self._seconds = seconds
        self._connections: list[Any] = []
        self._answer: requests.Response | None = None
        self._is_over = threading.Event()
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, ssl_context=self._context)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Returns the pool for a request, whose connections can be ended from outside."""
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        connect = type(pool).ConnectionCls

        def connected(*given: Any, **more: Any) -> Any:
            self._connections.append(connect(*given, **more))
            return self._connections[-1]

        pool.ConnectionCls = connected
        return pool

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Returns the answer, read to its end. Raises `requests.RequestException`."""
        self._answer = None
        timer = threading.Timer(self._seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            self._answer = answer = super().send(request, *args, **{**options, "stream": True})
            answer._content = self._read(answer)  # noqa: SLF001  whoever asks for the content finds it there
        finally:
            timer.cancel()
        return answer

    def _read(self, answer: requests.Response) -> bytes:
        content = bytearray()
        for chunk in [] if self._is_over.is_set() else answer.iter_content(_CHUNK_BYTES):
            content += chunk
            if len(content) > MAX_BYTES:
                answer.close()
                raise requests.RequestException(f"its answer has more than {MAX_BYTES} bytes")
        if self._is_over.is_set():
            raise requests.Timeout(f"its answer took longer than {self._seconds:g} s")
        return bytes(content)

    def _end(self) -> None:
        self._is_over.set()
        for connection in self._connections:
            with contextlib.suppress(OSError, AttributeError):  # it has no socket yet, or none any more
                connection.sock.shutdown(socket.SHUT_RDWR)
        if self._answer is not None:
            with contextlib.suppress(OSError, ValueError, RuntimeError):  # it was read to its end meanwhile
                self._answer.raw.shutdown()


def context(ca_bundle: Path | None) -> ssl.SSLContext:
    """Returns a TLS context that trusts the certificate authorities of the system, of certifi and of `ca_bundle`."""
    found = ssl.create_default_context()
    found.load_verify_locations(certifi.where())
    if ca_bundle is not None:
        found.load_verify_locations(ca_bundle)
    return found


def bounded(session: Session, trusted: ssl.SSLContext, seconds: float) -> Session:
    """Returns a session that takes no proxy and no password of the environment, and gives each answer these seconds."""
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Bounded(trusted, seconds))
    return session
