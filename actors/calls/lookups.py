"""Look up names in separate threads, because the system's resolver cannot be interrupted."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
Addresses = Sequence[Address]


class Lookups:
    """Looks names up for many calls at once.

    Calls that look up the same name at the same time share one thread, so a resolver that hangs blocks one thread per
    name, however many calls have given up waiting.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[Addresses]] = {}

    def ask(self, host: str, port: int) -> Future[Addresses]:
        """Returns a future for `socket.getaddrinfo`'s list or error."""
        with self._lock:
            shared = self._under_way.get((host, port))
            if shared is None:
                shared = Future()
                threading.Thread(target=self._run, args=(shared, host, port), daemon=True).start()
                self._under_way[host, port] = shared
            return shared

    def _run(self, answer: Future[Addresses], host: str, port: int) -> None:
        found: Addresses = ()
        error: Exception | None = None
        try:
            found = addresses_of(host, port)
        except Exception as raised:  # noqa: BLE001  any error must reach the calls that wait
            error = raised
        with self._lock:
            del self._under_way[host, port]  # before the answer: whoever asks after it gets a new one
        if error is None:
            answer.set_result(found)
        else:
            answer.set_exception(error)


def addresses_of(host: str, port: int) -> Addresses:
    """Returns `socket.getaddrinfo`'s list; for a host that is an address, without a lookup."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def is_address(host: str) -> bool:
    """Whether a host is an address, which needs no lookup."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
