"""Name lookups in threads of their own, because the system's resolver cannot be interrupted."""

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

    Calls that ask the same at the same time share one thread, so a resolver that hangs holds one thread a
    name, however many calls have given up waiting.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[Addresses]] = {}

    def ask(self, host: str, port: int) -> Future[Addresses]:
        """Answers `socket.getaddrinfo`'s list or error."""
        with self._lock:
            shared = self._under_way.get((host, port))
            if shared is None:
                shared = Future()
                threading.Thread(target=self._run, args=(shared, host, port), daemon=True).start()
                self._under_way[host, port] = shared
            return shared

    def _run(self, answer: Future[Addresses], host: str, port: int) -> None:
        try:
            _answer(answer, host, port)
        finally:
            with self._lock:
                del self._under_way[host, port]


def addresses_of(host: str, port: int) -> Addresses:
    """`socket.getaddrinfo`'s list; asks nobody for a host that is an address."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def is_address(host: str) -> bool:
    """Whether a host is an address, so that no name is to be looked up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _answer(answer: Future[Addresses], host: str, port: int) -> None:
    try:
        answer.set_result(addresses_of(host, port))
    except Exception as error:  # noqa: BLE001  whoever waits must hear of it, whatever it is
        answer.set_exception(error)
