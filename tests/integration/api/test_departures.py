"""Clients of server-sent events that leave: their places are free at once, over connections as in production."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests
import uvicorn

from api.live import hub
from api.resources import events
from processes.serving.web_server import configured, listening_socket
from tests.factories import GivenSystem
from tests.integration.api.client import served
from tests.waiting import LONGEST, until

ANY_FREE = 0


@pytest.fixture(autouse=True)
def one_place_and_no_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MAX_LISTENERS", 1)
    monkeypatch.setattr(hub, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(events, "COMMENT_SECONDS", 100 * LONGEST)


@pytest.fixture
def address(system: GivenSystem) -> Iterator[tuple[str, int]]:
    """Where a server answers as in production."""
    with closing(listening_socket("127.0.0.1", ANY_FREE)) as listening:
        server = uvicorn.Server(configured(served(system), system.settings))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        yield listening.getsockname()
        server.should_exit = True
        thread.join(LONGEST)


def listener(address: tuple[str, int]) -> socket.socket:
    """A connection that hears events: the first of them has come."""
    connection = socket.create_connection(address, LONGEST)
    connection.sendall(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    heard = b""
    while b"listening" not in heard:
        piece = connection.recv(4096)
        assert piece, heard
        heard += piece
    return connection


def status(address: tuple[str, int]) -> int:
    """How one more client is answered, who leaves at once."""
    with requests.get(f"http://127.0.0.1:{address[1]}/api/events", stream=True, timeout=LONGEST) as answer:
        return answer.status_code


def test_the_place_of_a_client_who_has_left_is_free_before_anything_else_is_sent(address: tuple[str, int]) -> None:
    with listener(address):
        assert status(address) == 503
    until(lambda: status(address) == 200, "the place to be free")
