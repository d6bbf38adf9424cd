"""Aborts in each phase of a call."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from actors.calls import connection, exchange, http
from core.errors import Aborted, AbortReason
from services.runtime.abort_scope import AbortScope
from tests.unit.actors import hostile
from tests.unit.actors.http_handler.calling import HERE, OK
from tests.waiting import LONGEST


class Running:
    """A call in a thread of its own, to be aborted."""

    def __init__(self, url: str, body: bytes = b"{}") -> None:
        self.scope = AbortScope()
        self.raised: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(http.Call(url, body, {}, reach=HERE),))
        self._thread.start()

    def abort(self) -> None:
        self.scope.abort(AbortReason.CANCELLED)
        self._thread.join(LONGEST)
        (raised,) = self.raised
        assert isinstance(raised, Aborted)
        assert raised.reason is AbortReason.CANCELLED

    def _run(self, request: http.Call) -> None:
        try:
            http.call(request, self.scope)
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.raised.append(error)


@pytest.mark.parametrize(
    ("behaviour", "size"),
    [(hostile.silent, 2), (hostile.dripping, 2), (hostile.deaf, 64_000_000)],
    ids=["waiting", "reading", "sending"],
)
def test_an_abort_ends_a_call(behaviour: hostile.Behaviour, size: int) -> None:
    with hostile.serving(behaviour) as server:
        running = Running(server.url, bytes(size))
        assert server.reached.wait(LONGEST)
        running.abort()


@pytest.mark.parametrize("behaviour", [hostile.silent, hostile.dripping], ids=["waiting", "reading"])
def test_an_abort_ends_a_call_over_tls(behaviour: hostile.Behaviour, trusted: Path) -> None:
    with hostile.serving(hostile.over_tls(behaviour, trusted)) as server:
        running = Running(f"https://127.0.0.1:{server.port}/")
        assert server.reached.wait(LONGEST)
        running.abort()


def test_an_abort_ends_a_tls_handshake() -> None:
    with hostile.serving(hostile.deaf) as server:
        running = Running(f"https://127.0.0.1:{server.port}/")
        assert server.reached.wait(LONGEST)
        running.abort()


def test_an_abort_ends_a_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = threading.Event()
    await_connected = connection._await_connected

    def seen(reached: socket.socket, seconds: float) -> None:
        waiting.set()
        await_connected(reached, seconds)

    monkeypatch.setattr(connection, "_await_connected", seen)
    with hostile.full_backlog() as url:
        running = Running(url)
        assert waiting.wait(LONGEST)
        running.abort()


def test_an_abort_does_not_wait_for_the_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered = threading.Event(), threading.Event()
    resolvers: list[threading.Thread] = []

    def hang(*_args: Any, **_kwargs: Any) -> Any:
        resolvers.append(threading.current_thread())
        asked.set()
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with ExitStack() as finally_:
        finally_.callback(answered.set)
        first, second = Running("http://hangs.test/"), Running("http://hangs.test/")
        assert asked.wait(LONGEST)
        first.abort()
        second.abort()
    for resolver in resolvers:
        resolver.join()
    assert len(resolvers) == 1


def test_an_aborted_scope_calls_nobody() -> None:
    scope = AbortScope()
    scope.abort(AbortReason.SHUTDOWN)
    with hostile.serving(hostile.answering(OK)) as server, pytest.raises(Aborted):
        http.call(http.Call(server.url, b"{}", {}, reach=HERE), scope)
    assert server.requests == []


def test_a_call_that_is_overdue_once_it_is_connected_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after the process was frozen for longer than its lease while it connected."""
    overdue: list[AbortReason] = []
    open_wire = exchange.open_wire

    def open_slowly(*given: Any) -> Any:
        wire = open_wire(*given)
        overdue.append(AbortReason.LEASE_LOST)
        return wire

    monkeypatch.setattr(exchange, "open_wire", open_slowly)
    scope = AbortScope(lambda: overdue[0] if overdue else None)
    with hostile.serving(hostile.answering(OK)) as server, pytest.raises(Aborted) as aborted:
        http.call(http.Call(server.url, b"{}", {}, reach=HERE), scope)
    assert aborted.value.reason is AbortReason.LEASE_LOST
    assert server.requests == []


def test_aborts_at_any_moment_end_in_an_answer_or_an_abort() -> None:
    with hostile.serving(hostile.answering(OK)) as server:
        for _ in range(100):
            running = Running(server.url)
            running.scope.abort(AbortReason.CANCELLED)
            running._thread.join(LONGEST)
            assert all(isinstance(raised, Aborted) for raised in running.raised)
