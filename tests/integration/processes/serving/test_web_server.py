"""The web server of a process: the socket that it listens on, and how its WebSockets end."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from contextlib import closing
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from processes import signals
from processes.programs import ProgramError
from processes.serving import web_server
from processes.serving.web_server import WebServer, limit_unread, listening_socket
from settings import Settings
from tests.waiting import LONGEST

ANY_FREE = 0


def test_a_port_that_is_taken_is_refused_with_its_number() -> None:
    with closing(listening_socket("127.0.0.1", ANY_FREE)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ProgramError, match=f"PORT={port} cannot be bound"):
            listening_socket("127.0.0.1", port)


@pytest.mark.skipif(sys.platform != "linux", reason="the option is Linux's")
def test_what_is_accepted_is_ended_if_its_client_never_reads_and_buffers_little_until_then() -> None:
    with closing(listening_socket("127.0.0.1", ANY_FREE)) as listening:
        limit_unread(listening)
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 256 * 1024  # the kernel doubles it


def test_a_channel_is_closed_with_the_code_of_the_application_though_that_comes_after_the_server_began_to_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("regain", "end_within"):  # they are of the whole process
        monkeypatch.setattr(signals, name, lambda *_: None)
    monkeypatch.setattr(web_server, "StopSignals", lambda *_: None)
    stopping, ready = threading.Event(), threading.Event()
    waits_for_channels = asyncio.Event()

    class Watched(WebServer):
        def _has_channels(self) -> bool:
            waits_for_channels.set()
            return super()._has_channels()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        await send({"type": "websocket.accept"})
        await waits_for_channels.wait()
        await send({"type": "websocket.close", "code": 1001})

    listening = listening_socket("127.0.0.1", ANY_FREE)

    server = Watched(
        application, Settings(), stopping=stopping, drain=lambda: None, on_ready=ready.set, listening=listening
    )
    serving = threading.Thread(target=server.serve_until_stopped, daemon=True)
    serving.start()
    assert ready.wait(LONGEST)
    with connect(f"ws://127.0.0.1:{listening.getsockname()[1]}/", open_timeout=LONGEST) as channel:
        stopping.set()
        with pytest.raises(ConnectionClosed) as closed:
            channel.recv(LONGEST)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    serving.join(LONGEST)


async def _live(receive: Any, send: Any) -> None:
    for word in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{word}.complete"})
