"""WebSockets: what may not become one, and what becomes of those whose clients do not read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from processes.serving import slow_readers
from processes.serving.bounded_websocket import BoundedWebSocket
from tests.unit.processes.serving.connections import (
    END,
    GET,
    LOOPS,
    MIB,
    WHOLE,
    Application,
    Connection,
    LoopFactory,
    tried,
)
from tests.unit.processes.serving.transports import HeldTransport, spoken_to
from tests.waiting import LONGEST

UPGRADE = GET + b"Connection: upgrade\r\nUpgrade: websocket\r\n"
HANDSHAKE = UPGRADE + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
TEXT, PING = b"\x81\x82\0\0\0\0hi", b"\x89\x80\0\0\0\0"


class Channel(Application):
    """Accepts a WebSocket, and returns each text in capitals."""

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": event["text"].upper()})


class Talking(Application):
    """Accepts a WebSocket, and sends messages as long as it can."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        self.given_up = asyncio.Event()

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                await send({"type": "websocket.send", "bytes": b"x" * MIB})
                self.sent += MIB
        finally:
            self.given_up.set()


@LOOPS
@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"".join(b"X-%d: a\r\n" % number for number in range(200)),
        b"X-A: " + b"a" * 9_000 + END,
    ],
    ids=["length", "chunked", "many", "long"],
)
@pytest.mark.parametrize("begin", [UPGRADE, HANDSHAKE], ids=["without a key", "otherwise whole"])
def test_a_handshake_that_cannot_be_read_is_refused(loop_factory: LoopFactory, begin: bytes, fields: bytes) -> None:
    async def client(connection: Connection) -> bool:
        await connection.send(begin + fields + END)
        return await connection.refused(400)

    assert tried(client, Channel(), loop_factory) == 0


def test_a_handshake_without_a_key_is_refused() -> None:
    async def client(connection: Connection) -> bool:
        await connection.send(UPGRADE + END)
        return (await connection.answer())[0] == 400 and await connection.is_closed()

    assert tried(client, Channel()) == 0


@LOOPS
def test_an_honest_handshake_opens_a_channel(loop_factory: LoopFactory) -> None:
    async def client(connection: Connection) -> bool:
        await connection.send(HANDSHAKE + b"Content-Length: 0\r\n" + END)
        assert b" 101 " in await connection.head()
        await connection.send(TEXT)
        return await connection.exactly(4) == b"\x81\x02HI"

    assert tried(client, Channel(), loop_factory) == 1


@LOOPS
def test_a_channel_whose_client_does_not_read_is_held_back_and_given_up(
    loop_factory: LoopFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_readers, "UNREAD_SECONDS", 0.0)
    monkeypatch.setattr(slow_readers, "SLOWEST_BYTES", float("inf"))
    application = Talking()

    async def client(connection: Connection) -> bool:
        await connection.send(HANDSHAKE + END)
        await application.given_up.wait()
        return application.sent < WHOLE

    tried(client, application, loop_factory)


async def opened(held: HeldTransport) -> BoundedWebSocket:
    """The server's side of a channel that was accepted."""
    protocols: list[BoundedWebSocket] = []
    held.set_protocol = protocols.append  # type: ignore[assignment]
    spoken_to(held, Channel()).data_received(HANDSHAKE + END)
    async with asyncio.timeout(LONGEST):
        await held.wrote.wait()
    return protocols[0]


def test_no_channel_opens_before_the_former_answer_was_sent() -> None:
    async def run() -> None:
        held = HeldTransport()
        http = spoken_to(held, Channel())
        http.pause_writing()
        http.data_received(HANDSHAKE + END)
        assert held.is_closing()
        assert held.written.startswith(b"HTTP/1.1 400 ")

    asyncio.run(run())


def test_pings_are_not_read_while_their_pongs_are_not() -> None:
    async def run() -> None:
        held = HeldTransport()
        channel = await opened(held)
        channel.pause_writing()
        assert held.is_reading()  # whoever reads slowly is still heard
        channel.data_received(TEXT + PING)
        await channel.receive()
        assert not held.is_reading()  # also once the application has taken the text
        channel.resume_writing()
        assert held.is_reading()
        channel.data_received(PING)
        assert held.is_reading()
        channel.connection_lost(None)

    asyncio.run(run())


@pytest.mark.parametrize("end", [BoundedWebSocket.keepalive_timeout, BoundedWebSocket.shutdown])
def test_a_channel_that_ends_does_not_wait_for_its_last_bytes_to_be_read(
    end: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_readers, "UNREAD_SECONDS", 0.0)
    monkeypatch.setattr(slow_readers, "SLOWEST_BYTES", float("inf"))

    async def run() -> None:
        held = HeldTransport()
        end(await opened(held))
        async with asyncio.timeout(LONGEST):
            await held.aborted.wait()

    asyncio.run(run())
