"""A tunnel through the installation's proxy, to an address that was checked before."""

from __future__ import annotations

import re
import socket
import time

from core.errors import TransientFailure
from core.proxies import Proxy

_LONGEST_HEAD = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
_END = b"\r\n\r\n"


def open_tunnel(wire: socket.socket, proxy: Proxy, address: str, port: int, deadline: float) -> None:
    """Ask a proxy for a tunnel, until the deadline. Raises `TransientFailure` if it makes none.

    The proxy gets the address, never the name: with a name it could connect to an address that was not checked.
    """
    try:
        wire.settimeout(max(deadline - time.monotonic(), 0.001))
        wire.sendall(proxy.request(address, port))
        head = _head(wire, deadline)
    except OSError as error:
        raise TransientFailure(
            f"The proxy {proxy.host} made no tunnel: {error.strerror or error}.", was_called=False
        ) from error
    status = _STATUS.match(head)
    if status is None or not status[1].startswith(b"2"):
        told = "what is no answer of HTTP" if status is None else status[1].decode()
        raise TransientFailure(
            f"The proxy {proxy.host} answered {told} when it was asked for a tunnel to {address}.",
            was_called=status is not None and status[1].startswith(b"5"),  # it tried, and got no connection
        )


def _head(wire: socket.socket, deadline: float) -> bytes:
    """Read the head of the answer, and not a byte of what comes after it."""
    head = bytearray()
    while not head.endswith(_END):
        left = deadline - time.monotonic()
        if left <= 0 or len(head) >= _LONGEST_HEAD:
            raise OSError("its answer does not end")
        wire.settimeout(left)
        byte = wire.recv(1)
        if not byte:
            raise OSError("it closed the connection")
        head += byte
    return bytes(head)
