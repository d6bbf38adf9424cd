"""Connections that can be cut from another thread, whatever they are busy with.

A `Line` carries one call to its receiver. `cut` ends the call's name lookup, connect, TLS handshake, sending
and reading. requests and urllib3 do the talking, over sockets that the line opened.
"""

from __future__ import annotations

import errno
import functools
import http.client
import os
import select
import socket
import ssl
import threading
import time
from typing import Any

import certifi
import requests.adapters
import urllib3
import urllib3.connection

from actors.handlers.lookups import Address, Addresses, Lookups, addresses_of, is_address
from core.errors import PermanentFailure, TransientFailure
from core.networks import Reach


class Line:
    """One call's way to its receiver. `cut` may be called from any thread at any time, and never raises.

    `connect_seconds` covers lookup, connect and TLS handshake together; `read_seconds` each later wait.
    `reach` says where it may lead.
    """

    def __init__(self, connect_seconds: float, read_seconds: float, reach: Reach) -> None:
        self.read_seconds = read_seconds
        self._allowed = reach
        self._connect_seconds = connect_seconds
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._handle: socket.socket | None = None
        self._is_cut = False

    def cut(self) -> None:
        """Ends whatever the call is blocked on; what it does next over this line fails at once."""
        with self._lock:
            self._is_cut = True
            if self._handle is not None:
                _shut_down(self._handle)
        self._woken.set()

    def connect(self, host: str, port: int) -> socket.socket:
        """Opens a socket to the first address of `host` that answers.

        Its timeout is what is left of `connect_seconds`. Raises `TransientFailure` when there is no way,
        `PermanentFailure` when an address is denied, and `ConnectionAbortedError` when the line was cut.
        """
        deadline = time.monotonic() + self._connect_seconds
        fault = "it has no address"
        addresses = self._look_up(host, port, deadline)
        # These very addresses are connected to, so an answer that changes afterwards changes nothing.
        if denied := self._allowed.fault_of(host, port, (str(address[4][0]) for address in addresses)):
            raise PermanentFailure(denied)
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                # Each address gets its share, so that a first one that is silent does not use up the time.
                reached = self._reach(address, (deadline - time.monotonic()) / left)
            except OSError as error:
                self._refuse_if_cut()
                fault = error.strerror or str(error)
            else:
                reached.settimeout(max(deadline - time.monotonic(), 0.001))
                return reached
        raise TransientFailure(f"No connection to {host} port {port}: {fault}.")

    def close(self) -> None:
        """Gives the line's own handle back. The socket itself belongs to whoever connected."""
        with self._lock:
            handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    def _look_up(self, host: str, port: int, deadline: float) -> Addresses:
        if is_address(host):
            return addresses_of(host, port)
        with self._lock:
            self._refuse_if_cut()
            woken = self._woken = threading.Event()
        answer = _lookups.ask(host, port)
        answer.add_done_callback(lambda _: woken.set())
        woken.wait(max(deadline - time.monotonic(), 0))
        self._refuse_if_cut()
        if not answer.done():
            raise TransientFailure(
                f"Looking up the name {host} took longer than {self._connect_seconds:g} seconds.",
            )
        try:
            return answer.result()
        except UnicodeError as error:
            raise PermanentFailure(f"The name {host} is not valid: {error}.") from error
        except OSError as error:
            raise TransientFailure(f"The name {host} was not found: {error.strerror}.") from error

    def _reach(self, address: Address, seconds: float) -> socket.socket:
        family, kind, protocol, _, target = address
        reached = socket.socket(family, kind, protocol)
        try:
            _begin_to_connect(reached, target)
            # Held only now: shutting down a socket that has not begun to connect would not stop it.
            self._hold(reached)
            _await_connected(reached, seconds)
            self._refuse_if_cut()
        except BaseException:
            self.close()
            reached.close()
            raise
        return reached

    def _hold(self, reached: socket.socket) -> None:
        """Keeps a second handle to the socket, because TLS takes the first away from its object."""
        self.close()
        with self._lock:
            self._refuse_if_cut()
            self._handle = reached.dup()

    def _refuse_if_cut(self) -> None:
        if self._is_cut:
            raise ConnectionAbortedError(errno.ECONNABORTED, "The line was cut")


class LineAdapter(requests.adapters.HTTPAdapter):
    """Sends one request over a line, then closes; nothing is kept, no proxy is used."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line
        self._pool: urllib3.HTTPConnectionPool | None = None

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Makes none: a call has one connection, which knows the call's line."""

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing: `trust` verifies, without reading the authorities' file for each connection."""

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        *_args: Any,
        **_kwargs: Any,
    ) -> urllib3.HTTPConnectionPool:
        url = urllib3.util.parse_url(request.url or "")
        if url.scheme == "https":
            self._pool = _TlsPool(
                url.host or "",
                url.port or 443,  # else http.client would look for one behind an IPv6 address's last colon
                cert_reqs="CERT_REQUIRED",
                ssl_context=trust(),
                line=self._line,
            )
        else:
            self._pool = _PlainPool(url.host or "", url.port or 80, line=self._line)
        return self._pool

    def close(self) -> None:
        """Closes the connection, also one that the receiver would have kept open."""
        if self._pool is not None:
            self._pool.close()


@functools.cache
def trust() -> ssl.SSLContext:
    """The authorities believed: the system's (or `SSL_CERT_FILE`, `SSL_CERT_DIR`) and those of certifi."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


_lookups = Lookups()


class _FinalResponse(http.client.HTTPResponse):
    """Passes over interim answers; http.client would take `103 Early Hints` for the answer itself."""

    def _read_status(self) -> tuple[str, int, str]:
        # http.client passes over 100 by itself; 101 ends HTTP and is judged by its code.
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # typeshed leaves it out
            if not 102 <= status <= 199:  # noqa: PLR2004  RFC 9110, section 15.2
                return version, status, reason
            http.client.parse_headers(self.fp)


class _PlainConnection(urllib3.connection.HTTPConnection):
    response_class = _FinalResponse

    def __init__(self, *args: Any, line: Line, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._line = line

    def _new_conn(self) -> socket.socket:
        reached = self._line.connect(self._dns_host, self.port)
        reached.settimeout(self._line.read_seconds)
        return reached


class _TlsConnection(urllib3.connection.HTTPSConnection):
    response_class = _FinalResponse

    def __init__(self, *args: Any, line: Line, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._line = line

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLCertVerificationError as error:
            raise PermanentFailure(
                f"The certificate of {self.host} was refused: {error.verify_message or error}.",
            ) from error
        except TimeoutError as error:
            raise TransientFailure(f"The TLS handshake with {self.host} took too long.") from error

    def _new_conn(self) -> socket.socket:
        return self._line.connect(self._dns_host, self.port)


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _shut_down(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it had ended by itself


def _begin_to_connect(reached: socket.socket, target: Any) -> None:
    reached.setblocking(False)
    reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    code = reached.connect_ex(target)
    if code not in (0, errno.EINPROGRESS):
        raise OSError(code, os.strerror(code))


def _await_connected(reached: socket.socket, seconds: float) -> None:
    """Waits until a connect that has begun succeeds, fails (raises its `OSError`) or takes too long."""
    waiting = select.poll()
    waiting.register(reached, select.POLLOUT)
    if not waiting.poll(max(seconds, 0) * 1000):
        raise TimeoutError(errno.ETIMEDOUT, "connecting took too long")
    code = reached.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
