"""The socket that a web process listens on."""

from __future__ import annotations

import socket
import sys
from contextlib import closing

import pytest

from processes.programs import LocalServerError
from processes.web_server import limit_unread, listening_socket

ANY_FREE = 0


def test_a_port_that_is_taken_is_refused_with_its_number() -> None:
    with closing(listening_socket("127.0.0.1", ANY_FREE)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalServerError, match=f"PORT={port} cannot be bound"):
            listening_socket("127.0.0.1", port)


@pytest.mark.skipif(sys.platform != "linux", reason="the option is Linux's")
def test_what_is_accepted_is_ended_if_its_client_never_reads_and_buffers_little_until_then() -> None:
    with closing(listening_socket("127.0.0.1", ANY_FREE)) as listening:
        limit_unread(listening)
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 256 * 1024  # the kernel doubles it
