"""What a connection may send besides bodies, and how long it may take, before anybody is asked who they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from processes.serving import bounded_http
from processes.serving.bounded_http import MAX_HEAD_BYTES
from tests.unit.processes.serving.connections import END, GET, HALF, POST, UPGRADE, Application, Connection, tried
from tests.waiting import LONGEST

FIELD = b"X-A: " + b"a" * 1_000 + END
TOO_MANY = FIELD * (MAX_HEAD_BYTES // len(FIELD) + 1)


@pytest.mark.parametrize("begin", [GET, POST + b"Content-Length: 5\r\n", GET + UPGRADE], ids=["get", "post", "socket"])
@pytest.mark.parametrize("end", [b"", END], ids=["without an end", "with an end"])
def test_a_head_that_is_too_large_is_refused_and_reaches_nobody(begin: bytes, end: bytes) -> None:
    async def client(connection: Connection) -> bool:
        await connection.send(begin + TOO_MANY + end)
        return await connection.refused(431)

    assert tried(client) == 0


def test_an_address_that_is_too_long_is_refused() -> None:
    async def client(connection: Connection) -> bool:
        await connection.send(b"GET /" + b"a" * MAX_HEAD_BYTES)
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


def test_trailers_are_no_headers() -> None:
    headers: list[tuple[bytes, bytes]] = []

    class Looking(Application):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await super().__call__(scope, receive, send)
            headers.extend(scope["headers"])

    async def client(connection: Connection) -> bool:
        chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
        trailers = b"Authorization: Token t\r\nX-Forwarded-For: 192.0.2.1\r\n"
        await connection.send(chunked + trailers + END + GET + FIELD + END)
        return [await connection.answer() for _ in range(2)] == [(200, b"1"), (200, b"0")]

    assert tried(client, Looking()) == 2
    assert [name for name, _ in headers] == [b"host", b"transfer-encoding", b"host", b"x-a"]


@pytest.mark.parametrize("before", [0, 1], ids=["a new connection", "a kept connection"])
def test_a_request_that_is_on_its_way_when_the_server_stops_is_answered_as_the_last(
    before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "LAST_REQUEST_SECONDS", LONGEST)
    application = Application()

    async def client(connection: Connection) -> bool:
        for _ in range(before):
            await connection.send(GET + END)
            assert await connection.answer() == (200, b"0")
        await application.made.wait()
        application.served.shutdown()
        await connection.send(POST + b"Content-Length: 5\r\n\r\n12345")
        assert b"connection: close" in await connection.head()
        return await connection.exactly(1) == b"5" and await connection.is_closed()

    assert tried(client, application) == before + 1


def test_a_connection_on_which_nothing_comes_is_closed_when_the_server_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "LAST_REQUEST_SECONDS", 0.0)
    application = Application()

    async def client(connection: Connection) -> bool:
        await application.made.wait()
        application.served.shutdown()
        return await connection.is_closed()

    assert tried(client, application, keep_alive_seconds=3600) == 0
