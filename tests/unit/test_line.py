"""A line carries one connection after another, as a mail server that closes early needs it."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from actors.handlers.connection import Line
from core.networks import ANYWHERE


def test_a_line_waits_for_each_of_its_lookups_and_holds_the_last_connection_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = socket.getaddrinfo

    def slowly(*given: Any, **more: Any) -> Any:
        time.sleep(0.05)
        return found(*given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    line = Line(5, 5, ANYWHERE)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        first, second = (line.connect("localhost", listener.getsockname()[1]) for _ in range(2))
        ends = [listener.accept()[0] for _ in range(2)]
        first.close()
        assert ends[0].recv(1) == b""
        line.cut()
        assert ends[1].recv(1) == b""
        for each in (second, *ends):
            each.close()
