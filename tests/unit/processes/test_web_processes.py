"""Several web processes: their sockets share one port, nobody else's, and each has a process again when it can."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from processes import programs, web_processes
from processes.programs import ProgramError
from processes.web_processes import WebProcess, listening
from tests.acceptance.installation import free_port

HERE = "127.0.0.1"


@pytest.fixture
def pair() -> Iterator[list[socket.socket]]:
    """Two sockets that listen on one free port."""
    with ExitStack() as stack:
        yield [stack.enter_context(one) for one in listening(HERE, free_port(), 2)]


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def test_both_are_dealt_connections(pair: list[socket.socket]) -> None:
    with ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(socket.create_connection((HERE, port_of(pair[0]))))
        for listener in pair:
            listener.setblocking(False)
            accepted, _ = listener.accept()
            accepted.close()


def test_a_port_that_somebody_listens_on_is_refused(pair: list[socket.socket]) -> None:
    port = port_of(pair[0])
    with pytest.raises(ProgramError, match=f"PORT={port} cannot be bound"):
        listening(HERE, port, 2)


def test_asyncio_sends_answers_without_delay(pair: list[socket.socket]) -> None:
    """It looks at the protocol of the connection, which one that is inherited may leave out."""
    inherited = socket.socket(fileno=pair[0].dup().detach())
    pair[1].close()  # all connections are for the first
    with inherited, socket.create_connection((HERE, port_of(pair[0]))):
        accepted, _ = inherited.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize(
    "error", [BlockingIOError("Resource temporarily unavailable"), RuntimeError("can't start new thread")]
)
def test_a_process_that_cannot_be_started_now_is_started_later(
    pair: list[socket.socket], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    stopping = threading.Event()
    tries: list[str] = []

    class Ended:
        def wait(self) -> int:
            stopping.set()
            return 0

    def spawn(*_: Any, **_more: Any) -> Ended:
        tries.append("one")
        if len(tries) == 1:
            raise error
        return Ended()

    monkeypatch.setattr(programs, "spawn", spawn)
    monkeypatch.setattr(web_processes, "_REST_SECONDS", 0.01)
    web = WebProcess(pair[0], stopping)
    web.start()
    web.join()
    assert tries == ["one", "one"]
