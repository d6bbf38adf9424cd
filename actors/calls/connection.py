"""Connections that can be cut from another thread, whatever they are busy with.

A `Line` carries one call to its receiver, over a new wire or one that was kept. `cut` ends the call's name lookup,
connect, TLS handshake, sending and reading.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
import time
from typing import Any

import structlog

from actors.calls import tunnel
from actors.calls.lookups import Address, Addresses, Lookups, addresses_of, is_address
from actors.calls.wire import Wire
from core import networks
from core.errors import PermanentFailure, TransientFailure
from core.networks import Reach
from core.proxies import Proxy
from services.execution.transcripts import Phase, Transcript

_lookups = Lookups()
log = structlog.get_logger()


class Line:
    """One call's connection to its receiver. `cut` may be called from any thread at any time, and never raises.

    `connect_seconds` covers lookup, connect and TLS handshake together; `read_seconds` each later wait.
    `reach` says which addresses are allowed; public ones are reached through `proxy`, if there is one.
    `transcript` records when each phase begins.
    """

    def __init__(
        self,
        connect_seconds: float,
        read_seconds: float,
        reach: Reach,
        proxy: Proxy | None = None,
        transcript: Transcript | None = None,
    ) -> None:
        self.transcript = transcript or Transcript()
        self.read_seconds = read_seconds
        self._allowed = reach
        self._proxy = proxy
        self._connect_seconds = connect_seconds
        self._lock = threading.Lock()
        self._woken: threading.Event | None = None
        self._wire: Wire | None = None
        self._is_cut = False

    def cut(self) -> None:
        """Interrupt whatever the call is blocked on; its next use of this line fails at once."""
        with self._lock:
            self._is_cut = True
            if self._wire is not None:
                self._wire.shut_down()
            if self._woken is not None:
                self._woken.set()

    def connect(self, host: str, port: int) -> Wire:
        """Open a wire to the first address of `host` that answers.

        The socket's timeout is what is left of `connect_seconds`. Raises `TransientFailure` when none answers,
        `PermanentFailure` when an address is denied, and `ConnectionAbortedError` when the line was cut.
        """
        self.close()  # one wire at a time
        deadline = time.monotonic() + self._connect_seconds
        self.transcript.enter(Phase.LOOK_UP)
        addresses = self._look_up(host, port, deadline)
        texts = [str(address[4][0]) for address in addresses]
        # We connect to exactly these addresses, so a later lookup with another answer changes nothing.
        if denied := self._allowed.fault_of(host, port, texts):
            log.warning("address_denied", host=host, port=port, addresses=texts)
            raise PermanentFailure(denied)
        self.transcript.enter(Phase.CONNECT)
        public = [text for text in texts if networks.is_public(text)]
        if self._proxy is None or not public:
            return self._first(host, port, addresses, deadline)
        return self._through(self._proxy, public[0], port, deadline)  # no answer of a resolver can bypass the proxy

    def _through(self, proxy: Proxy, address: str, port: int, deadline: float) -> Wire:
        """Returns a wire to a checked address by way of the proxy, which is the operator's and may be anywhere."""
        try:
            wire = self._first(proxy.host, proxy.port, self._look_up(proxy.host, proxy.port, deadline), deadline)
        except TransientFailure as error:
            error.was_called = False
            raise
        try:
            tunnel.open_tunnel(wire.socket, proxy, address, port, deadline)
        except TransientFailure:
            self._refuse_if_cut()
            raise
        wire.socket.settimeout(max(deadline - time.monotonic(), 0.001))
        wire.address = address
        return wire

    def _first(self, host: str, port: int, addresses: Addresses, deadline: float) -> Wire:
        """Returns a wire to the first of these addresses that answers."""
        fault = "it has no address"
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                # Each address gets its share, so that a silent first one does not use up the time.
                reached = self._reach(address, (deadline - time.monotonic()) / left)
            except OSError as error:
                self._refuse_if_cut()
                fault = error.strerror or str(error)
            else:
                reached.socket.settimeout(max(deadline - time.monotonic(), 0.001))
                return reached
        raise TransientFailure(f"No connection to {host} port {port}: {fault}.")

    def hold(self, wire: Wire) -> None:
        """Use this wire, which is closed with the line. Raises `ConnectionAbortedError` when the line was cut."""
        with self._lock:
            self._wire = wire
            self._refuse_if_cut()

    def let_go(self) -> Wire | None:
        """Release and return the wire, which this line can no longer cut or close; None if it was cut."""
        with self._lock:
            if self._is_cut:
                return None
            wire, self._wire = self._wire, None
            return wire

    def close(self) -> None:
        """Close the wire."""
        with self._lock:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

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

    def _reach(self, address: Address, seconds: float) -> Wire:
        family, kind, protocol, _, target = address
        wire = _begin_to_connect(socket.socket(family, kind, protocol), target)
        wire.address = str(target[0])
        try:
            # Held only from here on: shutting down a socket that has not begun to connect would not stop it.
            self.hold(wire)
            _await_connected(wire.socket, seconds)
            self._refuse_if_cut()
        except BaseException:
            self.close()
            raise
        return wire

    def _refuse_if_cut(self) -> None:
        if self._is_cut:
            raise ConnectionAbortedError(errno.ECONNABORTED, "The line was cut")


def _begin_to_connect(connecting: socket.socket, target: Any) -> Wire:
    try:
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _raise_fault(connecting.connect_ex(target))
        return Wire(connecting)
    except BaseException:
        connecting.close()
        raise


def _await_connected(reached: socket.socket, seconds: float) -> None:
    """Wait until a connect that has begun succeeds, fails (raises its `OSError`) or takes too long."""
    waiting = select.poll()
    waiting.register(reached, select.POLLOUT)
    if not waiting.poll(max(seconds, 0) * 1000):
        raise TimeoutError(errno.ETIMEDOUT, "connecting took too long")
    _raise_fault(reached.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


def _raise_fault(code: int) -> None:
    if code not in (0, errno.EINPROGRESS):
        raise OSError(code, os.strerror(code))
