"""What a connection may send besides bodies, and how long it may take, before anybody is asked who they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn.server import ServerState

from processes import bounded_http
from processes.bounded_http import MOST_HEAD_BYTES
from processes.web_server import configured
from settings import Settings
from tests.waiting import LONGEST

GET, POST, END = b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\nHost: a\r\n", b"\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YQ==\r\n"
FIELD = b"X-A: " + b"a" * 1_000 + END
TOO_MANY = FIELD * (MOST_HEAD_BYTES // len(FIELD) + 1)
PIECE = 16 * 1024


class Application:
    """Answers each request with the number of its body's bytes; one at `/early` before it has read any."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        self.calls += 1
        count, more = 0, scope["path"] != "/early"
        while more:
            event = await receive()
            count, more = count + len(event.get("body", b"")), event.get("more_body", False)
        content = str(count).encode()
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


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

    async def refused(self, status: int) -> bool:
        """Whether the answer is this problem, after which the connection is closed."""
        answered, body = await self.answer()
        return (answered, json.loads(body)["status"]) == (status, status) and await self.is_closed()

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
    server = await loop.create_server(lambda: made(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        async with asyncio.timeout(LONGEST):
            yield Connection(reader, writer)
    finally:
        writer.close()
        server.close()


def tried(how: Callable[[Connection], Awaitable[bool]], **settings: Any) -> int:
    """How many requests the application was asked, if all went as the given client expects."""
    application = Application()

    async def run() -> None:
        async with connected(application, **settings) as connection:
            assert await how(connection)

    asyncio.run(run())
    return application.calls


@pytest.mark.parametrize("begin", [GET, POST + b"Content-Length: 5\r\n", GET + UPGRADE], ids=["get", "post", "socket"])
@pytest.mark.parametrize("end", [b"", END], ids=["without an end", "with an end"])
def test_a_head_that_is_too_large_is_refused_and_reaches_nobody(begin: bytes, end: bytes) -> None:
    async def client(connection: Connection) -> bool:
        await connection.send(begin + TOO_MANY + end)
        return await connection.refused(431)

    assert tried(client) == 0


def test_an_address_that_is_too_long_is_refused() -> None:
    async def client(connection: Connection) -> bool:
        await connection.send(b"GET /" + b"a" * MOST_HEAD_BYTES)
        return await connection.refused(431)

    assert tried(client) == 0


def test_large_heads_and_bodies_are_served_one_after_another_on_one_connection() -> None:
    fields = FIELD * 60

    async def client(connection: Connection) -> bool:
        for _ in range(3):
            await connection.send(POST + fields + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1_000_000)
            assert await connection.answer() == (200, b"1000000")
            await connection.send(GET + fields + END)
            assert await connection.answer() == (200, b"0")
        return True

    assert tried(client) == 6


def test_fields_without_an_end_after_a_body_close_the_connection() -> None:
    async def client(connection: Connection) -> bool:
        await connection.send(
            POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" + TOO_MANY * 10
        )  # more than is read at once
        return await connection.refused(431)

    assert tried(client) == 1


@pytest.mark.parametrize(
    "sent",
    [GET, POST + b"Content-Length: 5\r\n\r\n", POST + b"Transfer-Encoding: chunked\r\n\r\n1;a=", GET + UPGRADE],
    ids=["a head", "a head without its body", "a chunk's size", "a handshake"],
)
def test_what_is_begun_and_does_not_come_in_time_is_refused(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", 0.0)

    async def client(connection: Connection) -> bool:
        await connection.send(sent)
        return await connection.refused(408)

    tried(client)


def test_a_second_head_that_does_not_come_in_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def client(connection: Connection) -> bool:
        await connection.send(GET + END)
        assert await connection.answer() == (200, b"0")
        monkeypatch.setattr(bounded_http, "HEAD_SECONDS", 0.0)
        await connection.send(GET)
        return await connection.refused(408)

    assert tried(client) == 1


@pytest.mark.parametrize("rest", [b"", b"x"], ids=["nothing more", "another byte"])
def test_the_rest_of_a_body_that_nobody_reads_does_not_keep_the_connection(
    rest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", 0.0)

    async def client(connection: Connection) -> bool:
        await connection.send(POST.replace(b"/", b"/early", 1) + b"Content-Length: 1000\r\n\r\nx")
        assert await connection.answer() == (200, b"0")
        await connection.send(rest)
        return await connection.is_closed()

    assert tried(client) == 1


def test_a_connection_on_which_nothing_comes_is_closed_as_an_idle_one_is() -> None:
    assert tried(Connection.is_closed, keep_alive_seconds=1) == 0
