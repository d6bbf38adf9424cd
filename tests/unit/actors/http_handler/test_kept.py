"""Connections kept between calls: when one is used again, and when it is not."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from actors.calls import http, trust
from core.errors import Aborted, AbortReason, PermanentFailure, TransientFailure
from core.networks import LOOPBACK, PUBLIC, Reach
from services.runtime.abort_scope import AbortScope
from tests.unit.actors import hostile
from tests.unit.actors.http_handler.calling import HERE, OK, call
from tests.unit.actors.http_handler.keeping import kept
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.usefixtures("keeps_long")

CLOSING = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n\r\n"
DONE_PACKED = gzip.compress(b"done")
PACKED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(DONE_PACKED) + DONE_PACKED
TWO_LENGTHS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 14\r\n\r\n4\r\ndone\r\n0\r\n\r\n"


# --- Used again ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        CHUNKED,
        PACKED,
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 400\r\n\r\n",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" + OK,
    ],
    ids=["length", "chunked", "gzip", "204", "304", "500", "redirect", "interim"],
)
def test_a_connection_is_used_again_once_the_answer_was_read_to_its_end(answer: bytes) -> None:
    with hostile.serving(hostile.conversing(answer)) as server:
        first, second = call(server.url), call(server.url)
        http.kept.close_all()
    assert (first, len(server.requests), server.connections) == (second, 2, 1)


@pytest.mark.parametrize(("body", "connections"), [(b"", 1), (b"done", 2)], ids=["without", "against all rules"])
def test_an_answer_to_head_ends_with_its_head(body: bytes, connections: int) -> None:
    with hostile.serving(hostile.conversing(OK.removesuffix(b"done") + body)) as server:
        for _ in range(2):
            assert call(server.url, method="HEAD", body=None).body == b""
        http.kept.close_all()
    assert server.connections == connections


def test_a_tls_connection_is_used_again(trusted: Path) -> None:
    with hostile.serving(hostile.over_tls(hostile.conversing(OK), trusted)) as server:
        for _ in range(3):
            assert call(f"https://127.0.0.1:{server.port}/").body == b"done"
        http.kept.close_all()
    assert server.connections == 1


def test_a_name_is_looked_up_once_for_the_life_of_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def look_up(host: str, port: int, **_options: Any) -> Any:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with hostile.serving(hostile.conversing(OK)) as server:
        for _ in range(3):
            call(f"http://named.test:{server.port}/")
        http.kept.close_all()
    assert asked == ["named.test"]


# --- Not used again --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        CLOSING,
        OK.replace(b"HTTP/1.1", b"HTTP/1.0"),
        OK.replace(b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK\r\nConnection: keep-alive"),
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        TWO_LENGTHS,
        OK.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: identity\r\n\r\n"),
        b"HTTP/1.1 200 OK\r\nodd line\r\nContent-Length: 4\r\n\r\ndone",
        b"HTTP/1.1 200 OK\r\nContent-Length : 4\r\nContent-Length: 4\r\n\r\ndone",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + bytes(5_000_000),
    ],
    ids=[
        "close",
        "1.0",
        "1.0 keep-alive",
        "101",
        "length and chunks",
        "identity",
        "odd header",
        "odd name",
        "not to its end",
    ],
)
def test_a_connection_is_closed_after_such_an_answer(answer: bytes) -> None:
    with hostile.serving(hostile.keeping_open(answer)) as server:
        call(server.url)
        assert kept() == 0


def test_a_broken_answer_closes_the_connection() -> None:
    with hostile.serving(hostile.keeping_open(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nab")) as server:
        with pytest.raises(TransientFailure):
            call(server.url)
        assert kept() == 0


@pytest.mark.parametrize("behaviour", [hostile.silent, hostile.dripping], ids=["waiting", "reading"])
def test_an_abort_closes_the_connection(behaviour: hostile.Behaviour) -> None:
    scope = AbortScope()
    with hostile.serving(behaviour) as server, ThreadPoolExecutor(1) as pool:
        running = pool.submit(http.call, http.Call(server.url, b"{}", {}, reach=HERE), scope)
        assert server.reached.wait(LONGEST)
        scope.abort(AbortReason.CANCELLED)
        assert isinstance(running.exception(LONGEST), Aborted)
        assert kept() == 0


def test_an_abort_ends_a_call_over_a_kept_connection() -> None:
    def answer_once(server: hostile.Hostile, accepted: socket.socket) -> None:
        hostile.read_request(server, accepted)
        accepted.sendall(OK)
        hostile.silent(server, accepted)

    scope = AbortScope()
    with hostile.serving(answer_once) as server, ThreadPoolExecutor(1) as pool:
        call(server.url)
        running = pool.submit(http.call, http.Call(server.url, b"{}", {}, reach=HERE), scope)
        assert server.reached.wait(LONGEST)
        scope.abort(AbortReason.TIME_LIMIT)
        stopped = running.exception(LONGEST)
        assert isinstance(stopped, Aborted)
        assert (stopped.reason, kept(), server.connections) == (AbortReason.TIME_LIMIT, 0, 1)


def test_an_abort_that_comes_too_late_leaves_the_connection_to_the_next_call() -> None:
    cuts: list[Any] = []

    class Remembering(AbortScope):
        @contextlib.contextmanager
        def interruptible(self, interrupt: Any) -> Iterator[None]:
            cuts.append(interrupt)
            yield

    with hostile.serving(hostile.conversing(OK)) as server:
        http.call(http.Call(server.url, b"{}", {}, reach=HERE), Remembering())
        [cut] = cuts
        cut()
        assert call(server.url).body == b"done"
        http.kept.close_all()
    assert server.connections == 1


def test_a_receiver_that_has_closed_meanwhile_gets_a_new_connection() -> None:
    with hostile.serving(hostile.answering(OK)) as server:
        for _ in range(3):
            assert call(server.url).body == b"done"
            until_ended()
    assert (len(server.requests), server.connections) == (3, 3)


def test_what_a_receiver_sends_unasked_is_no_answer_to_the_next_request() -> None:
    false = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse"
    with hostile.serving(hostile.conversing(OK + false)) as server:
        for _ in range(3):
            assert call(server.url).body == b"done"
        http.kept.close_all()
    assert server.connections == 3


def test_another_host_port_scheme_or_policy_gets_another_connection(trusted: Path) -> None:
    with hostile.serving(hostile.conversing(OK)) as one, hostile.serving(hostile.conversing(OK)) as other:
        call(one.url)
        call(other.url)
        call(f"http://localhost:{one.port}/")
        call(one.url, reach=Reach((*LOOPBACK, *LOOPBACK)))
        with pytest.raises(PermanentFailure):
            call(one.url, reach=PUBLIC)
        assert (one.connections, other.connections, kept()) == (3, 1, 4)
        http.kept.close_all()


def test_another_trust_gets_another_connection(trusted: Path, certificate: Path) -> None:
    with hostile.serving(hostile.over_tls(hostile.conversing(OK), trusted)) as server:
        call(f"https://127.0.0.1:{server.port}/")
        trust.context.cache_clear()
        call(f"https://127.0.0.1:{server.port}/")
        http.kept.close_all()
    assert server.connections == 2


def test_threads_do_not_share_a_connection_at_once() -> None:
    together = threading.Barrier(4, timeout=LONGEST)

    def behave(server: hostile.Hostile, accepted: socket.socket) -> None:
        while hostile.read_request(server, accepted):
            together.wait()  # each request is answered once all four are here
            accepted.sendall(OK)

    with hostile.serving(behave) as server, ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            assert {answer.body for answer in pool.map(call, [server.url] * 4)} == {b"done"}
        http.kept.close_all()
    assert (len(server.requests), server.connections) == (12, 4)


def test_a_call_may_ask_for_a_new_connection() -> None:
    with hostile.serving(hostile.conversing(OK)) as server:
        call(server.url)
        call(server.url, over_new_connection=True)
        http.kept.close_all()
    assert server.connections == 2


def until_ended() -> None:
    """Wait until the end of the kept connection has arrived here."""
    [wire] = http.kept._all
    until(lambda: not wire.is_quiet(), "the receiver to close")
