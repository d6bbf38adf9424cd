"""Whatever waits for a client to read it is held for a bounded time, and streams are held back meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from processes.serving import slow_readers
from processes.serving.slow_readers import UNREAD_SECONDS, Unread
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


class Large(Application):
    """Answers with pieces of this size; without an end, if there are that many."""

    def __init__(self, piece: int, most: int) -> None:
        super().__init__()
        self._piece = b"x" * piece
        self._most = most
        self.sent = 0

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-length", str(self._most).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while self.sent < self._most and not self.lost.is_set():
            more = self.sent + len(self._piece) < self._most
            await send({"type": "http.response.body", "body": self._piece, "more_body": more})
            self.sent += len(self._piece)


@pytest.fixture
def without_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may wait for longer than the event loop takes."""
    monkeypatch.setattr(slow_readers, "UNREAD_SECONDS", 0.0)
    monkeypatch.setattr(slow_readers, "SLOWEST_BYTES", float("inf"))


@pytest.mark.usefixtures("without_patience")
@LOOPS
def test_a_whole_answer_that_nobody_reads_is_given_up(loop_factory: LoopFactory) -> None:
    application = Large(WHOLE, WHOLE)

    async def client(connection: Connection) -> bool:
        await connection.send(GET + END)
        await application.lost.wait()
        return len(await connection.rest()) < WHOLE

    tried(client, application, loop_factory)


@pytest.mark.usefixtures("without_patience")
@LOOPS
def test_a_stream_that_nobody_reads_is_held_back_and_given_up(loop_factory: LoopFactory) -> None:
    application = Large(MIB // 4, 1024 * MIB)

    async def client(connection: Connection) -> bool:
        await connection.send(GET + END)
        await application.lost.wait()
        return application.sent < WHOLE

    tried(client, application, loop_factory)


@pytest.mark.parametrize("piece", [WHOLE, MIB // 4], ids=["at once", "as a stream"])
@LOOPS
def test_an_answer_has_its_time_anew_whenever_all_that_waited_was_read(
    loop_factory: LoopFactory, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_readers, "UNREAD_SECONDS", LONGEST)
    calls: list[str] = []
    for name in ("bound", "bound_no_more"):
        monkeypatch.setattr(Unread, name, noted(calls, name))

    async def client(connection: Connection) -> bool:
        await connection.send(GET + END)
        await connection.head()
        await connection.exactly(WHOLE)
        return calls != [] and calls == ["bound", "bound_no_more"] * (len(calls) // 2)

    tried(client, Large(piece, WHOLE), loop_factory)


def noted(calls: list[str], name: str) -> Callable[[Unread], None]:
    method = getattr(Unread, name)

    def call(unread: Unread) -> None:
        calls.append(name)
        method(unread)

    return call


@pytest.mark.usefixtures("without_patience")
@pytest.mark.parametrize(
    ("sent", "keep_alive_seconds"),
    [
        (GET + b"Connection: close\r\n\r\n", 3600),
        (GET + END, 1),
        (b"nonsense" + END, 3600),
    ],
    ids=["the last answer", "an idle connection", "a refusal"],
)
def test_a_connection_that_is_closed_does_not_wait_for_its_last_bytes_to_be_read(
    sent: bytes, keep_alive_seconds: int
) -> None:
    async def run() -> None:
        held = HeldTransport()
        spoken_to(held, Application(), keep_alive_seconds=keep_alive_seconds).data_received(sent)
        async with asyncio.timeout(LONGEST):
            await held.aborted.wait()
        assert held.is_closing()
        assert held.written.startswith(b"HTTP/1.1 ")

    asyncio.run(run())


class Timers:
    """An event loop that only notes what is to be done, and when."""

    def __init__(self) -> None:
        self.begun: list[tuple[float, Any]] = []
        self.ended = 0

    def call_later(self, seconds: float, act: Any) -> Timers:
        self.begun.append((seconds, act))
        return self

    def cancel(self) -> None:
        self.ended += 1


def test_what_waits_may_be_read_at_the_slowest_pace_of_files() -> None:
    async def run() -> None:
        held, timers = HeldTransport(), Timers()
        unread = Unread(held, cast("asyncio.AbstractEventLoop", timers))
        held.write(b"x" * 8 * MIB)
        unread.bound()
        assert timers.begun == [(UNREAD_SECONDS + 256, held.abort)]
        unread.bound()
        assert len(timers.begun) == 1  # what comes meanwhile gives no more time
        unread.bound_no_more()
        unread.bound()
        assert (len(timers.begun), timers.ended) == (2, 1)

    asyncio.run(run())
