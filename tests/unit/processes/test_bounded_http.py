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
HALF = b"0123456789"


class Application:
    """Answers each request with the number of its body's bytes.

    One at `/early` it answers before it has read any. Until as many bytes as the query says have come after the
    request, it does not begin an answer at `/late`, and stops in the middle of one at `/slow`.
    """

    def __init__(self, before_second_half: Callable[[], None] = lambda: None) -> None:
        self.calls = 0
        self.before_second_half = before_second_half
        self.readings: asyncio.Queue[int] = asyncio.Queue()  # bytes of each that the server has dealt with

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
        def data_received(self, data: bytes) -> None:
            super().data_received(data)  # then, once a time limit of no seconds is over:
            loop.call_later(0.0, application.readings.put_nowait, len(data))

    server = await loop.create_server(lambda: Observed(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        async with asyncio.timeout(LONGEST):
            yield Connection(reader, writer)
    finally:
        writer.close()
        server.close()


def tried(how: Callable[[Connection], Awaitable[bool]], application: Application | None = None, **settings: Any) -> int:
    """How many requests the application was asked, if all went as the given client expects."""
    application = application or Application()

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


@pytest.mark.parametrize(
    ("rest", "head_seconds"),
    [(b"", 0.0), (b"x", 0.0), (b"x" * 999, LONGEST)],
    ids=["nothing more", "another byte", "the whole rest"],
)
def test_the_rest_of_a_body_that_nobody_reads_does_not_keep_the_connection(
    rest: bytes, head_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", head_seconds)

    async def client(connection: Connection) -> bool:
        await connection.send(POST.replace(b"/", b"/early", 1) + b"Content-Length: 1000\r\n\r\nx")
        assert await connection.answer() == (200, b"0")
        await connection.send(rest)
        return await connection.is_closed()

    assert tried(client, keep_alive_seconds=1 if head_seconds else 3600) == 1


@pytest.mark.parametrize(
    ("meanwhile", "status"),
    [
        (END, 408),
        (GET, 408),
        (POST + b"Content-Length: 5\r\n\r\n", 408),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;a=", 408),
        (GET + TOO_MANY, 431),
        (GET + TOO_MANY + END, 431),
        (END * 200_000 + GET + END, 431),  # more than is read at once
        (b"nonsense", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nz\r\n", 400),
        (GET + UPGRADE + END, 400),
    ],
    ids=["line", "head", "no body", "a size", "fields", "large head", "lines", "nonsense", "no size", "handshake"],
)
@pytest.mark.parametrize("first", [Connection.answer_due, Connection.answer_under_way], ids=["due", "under way"])
def test_an_answer_is_ended_before_what_came_meanwhile_is_refused(
    first: Callable[[Connection, bytes], Awaitable[tuple[int, bytes]]],
    meanwhile: bytes,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", 0.0)

    async def client(connection: Connection) -> bool:
        assert await first(connection, meanwhile) == (200, HALF + HALF)
        return (await connection.answer())[0] == status and await connection.is_closed()

    assert tried(client) == (2 if meanwhile.startswith(POST) else 1)  # it may wait for the body


@pytest.mark.parametrize(
    ("begun", "head_seconds_then"), [(b"", LONGEST), (b"x", 0.0)], ids=["without its body", "with a byte"]
)
def test_the_time_limit_of_a_request_that_comes_while_an_answer_is_under_way_counts_from_its_end(
    begun: bytes, head_seconds_then: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", 0.0)
    application = Application(lambda: monkeypatch.setattr(bounded_http, "HEAD_SECONDS", head_seconds_then))

    async def client(connection: Connection) -> bool:
        head = POST + b"Content-Length: 5\r\n\r\n"
        assert await connection.answer_under_way(head + begun) == (200, HALF + HALF)
        await connection.send(b"xxxxx"[len(begun) :])
        return await connection.answer() == (200, b"5")

    assert tried(client, application) == 2


def test_a_connection_on_which_nothing_comes_is_closed_as_an_idle_one_is() -> None:
    assert tried(Connection.is_closed, keep_alive_seconds=1) == 0
