"""A client and an application of the simplest kind, and the server's HTTP between them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from uvicorn.server import ServerState

from processes.serving.web_server import configured, limit_unread
from settings import Settings
from tests.waiting import LONGEST

GET, POST, END = b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\nHost: a\r\n", b"\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YQ==\r\n"
PIECE = 16 * 1024
HALF = b"0123456789"
MIB = 1024 * 1024
WHOLE = 16 * MIB  # more than the kernels of both sides hold
LOOPS = pytest.mark.parametrize(
    "loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


class Application:
    """Answers each request with the number of its body's bytes.

    One at `/early` it answers before it has read any. Until as many bytes as the query says have come after the
    request, it does not begin an answer at `/late`, and stops in the middle of one at `/slow`.
    """

    def __init__(self, before_second_half: Callable[[], None] = lambda: None) -> None:
        self.calls = 0
        self.before_second_half = before_second_half
        self.readings: asyncio.Queue[int] = asyncio.Queue()  # bytes of each that the server has dealt with
        self.made, self.lost = asyncio.Event(), asyncio.Event()  # the connection, as the server sees it
        self.served: Any = None  # the server's side of the connection

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        self.calls += 1
        if scope["query_string"]:
            await self._answer_slowly(scope, receive, send)
            return
        count, more = 0, scope["path"] != "/early"
        while more:
            event = await receive()
            count, more = count + len(event.get("body", b"")), event.get("more_body", False)
        content = str(count).encode()
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer_slowly(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        more, headers = int(scope["query_string"]), [(b"content-length", str(2 * len(HALF)).encode())]
        await self.readings.get()  # its own head
        if scope["path"] == "/late":
            await receive()  # tells the client to continue
            await self._read(more)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": HALF, "more_body": True})
        if scope["path"] == "/slow":
            await self._read(more)
        self.before_second_half()
        await send({"type": "http.response.body", "body": HALF})

    async def _read(self, count: int) -> None:
        while count > 0:
            count -= await self.readings.get()


class Connection:
    """A client's side of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send, as long as the server listens."""
        for start in range(0, len(data), PIECE):
            self._writer.write(data[start : start + PIECE])
            try:
                await self._writer.drain()
            except ConnectionError:
                return

    async def answer(self) -> tuple[int, bytes]:
        """The status and body of the next answer."""
        head = await self._reader.readuntil(END + END)
        fields = dict(line.lower().split(b": ", 1) for line in head.split(END)[1:] if line)
        return int(head.split()[1]), await self._reader.readexactly(int(fields[b"content-length"]))

    async def answer_under_way(self, meanwhile: bytes) -> tuple[int, bytes]:
        """The status and body of an answer that is half sent while the server reads the given bytes."""
        await self.send(GET.replace(b"/", b"/slow?%d" % len(meanwhile), 1) + END)
        head = await self._reader.readuntil(END + END)
        begun = await self._reader.readexactly(len(HALF))
        await self.send(meanwhile)
        return int(head.split()[1]), begun + await self._reader.readexactly(len(HALF))

    async def answer_due(self, meanwhile: bytes) -> tuple[int, bytes]:
        """The status and body of an answer that has not begun while the server reads the given bytes."""
        await self.send(GET.replace(b"/", b"/late?%d" % len(meanwhile), 1) + b"Expect: 100-continue\r\n\r\n")
        assert b" 100 " in await self._reader.readuntil(END + END)
        await self.send(meanwhile)
        return await self.answer()

    async def refused(self, status: int) -> bool:
        """Whether the answer is this problem, after which the connection is closed."""
        answered, body = await self.answer()
        return (answered, json.loads(body)["status"]) == (status, status) and await self.is_closed()

    async def head(self) -> bytes:
        """The head of the next answer."""
        return await self._reader.readuntil(END + END)

    async def exactly(self, count: int) -> bytes:
        """As many of the next bytes."""
        return await self._reader.readexactly(count)

    async def rest(self) -> bytes:
        """Whatever else comes until the server closes the connection."""
        received = b""
        try:
            while piece := await self._reader.read(PIECE):
                received += piece
        except ConnectionError:
            pass
        return received

    async def is_closed(self) -> bool:
        """Return True once the server has closed the connection without another word."""
        try:
            return await self._reader.read() == b""
        except ConnectionError:
            return True


@asynccontextmanager
async def connected(application: Application, **settings: Any) -> AsyncIterator[Connection]:
    loop, config, state = asyncio.get_running_loop(), configured(application, Settings(**settings)), ServerState()
    config.load()
    made: Any = config.http_protocol_class

    class Observed(made):  # type: ignore[misc]  # only known here
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            application.served = self
            application.made.set()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)  # then, once a time limit of no seconds is over:
            loop.call_later(0.0, application.readings.put_nowait, len(data))

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            application.lost.set()

    listening = socket.create_server(("127.0.0.1", 0))
    limit_unread(listening)
    server = await loop.create_server(lambda: Observed(config, state, {}), sock=listening)
    reader, writer = await _opened(listening.getsockname())
    try:
        async with asyncio.timeout(LONGEST):
            yield Connection(reader, writer)
    finally:
        writer.close()
        server.close()


async def _opened(address: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection whose kernel holds little that is not read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * PIECE)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, address)
    return await asyncio.open_connection(sock=client)


def tried(
    how: Callable[[Connection], Awaitable[bool]],
    application: Application | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    **settings: Any,
) -> int:
    """How many requests the application was asked, if all went as the given client expects."""
    application = application or Application()

    async def run() -> None:
        async with connected(application, **settings) as connection:
            assert await how(connection)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())
    return application.calls
