"""A line carries one connection after another, as a mail server that closes early needs it."""

from __future__ import annotations

import socket
import threading
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from actors.calls.connection import Line
from core.networks import ANYWHERE
from tests.waiting import LONGEST


def test_a_line_waits_for_each_of_its_lookups_and_holds_the_last_connection_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, asked, let_go = socket.getaddrinfo, threading.Event(), threading.Event()

    def when_let_go(*given: Any, **more: Any) -> Any:
        asked.set()
        assert let_go.wait(LONGEST)
        return found(*given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", when_let_go)
    line = Line(5, 5, ANYWHERE)

    def connect(port: int) -> socket.socket:
        asked.clear()
        let_go.clear()
        connecting = pool.submit(line.connect, "localhost", port)
        assert asked.wait(LONGEST)
        assert not futures.wait([connecting], timeout=0.05).done, "nobody was waited for"
        let_go.set()
        return connecting.result(LONGEST).socket

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        first, second = (connect(listener.getsockname()[1]) for _ in range(2))
        ends = [listener.accept()[0] for _ in range(2)]
        first.close()
        assert ends[0].recv(1) == b""
        line.cut()
        assert ends[1].recv(1) == b""
        for each in (second, *ends):
            each.close()
