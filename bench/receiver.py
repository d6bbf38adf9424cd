"""A receiver of callbacks, faster than any caller: answers every request with 200, at once or after a delay.

Jobs of the type `bench_polling` get the answer that they are not done.

    python -m bench.receiver --port 9000 [--delay 0.2]

`GET /journal` gives, for each callback, when it arrived and the instant that its header X-Carillon-Scheduled-For names.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import requests

from bench import waiting
from bench.checkout import ROOT
from bench.children import Children
from local import ports

_END_OF_HEAD = b"\r\n\r\n"
_SCHEDULED_FOR = b"x-carillon-scheduled-for"
_journal: list[tuple[float, str | None]] = []


class RunningReceiver:
    """A receiver in a process of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def lateness(self) -> list[float]:
        """Returns by how many milliseconds each callback came after the instant it was scheduled for."""
        journal: list[tuple[float, str]] = requests.get(f"{self.url}/journal", timeout=60).json()
        return [(arrived - datetime.fromisoformat(due).timestamp()) * 1000 for arrived, due in journal if due]

    def arrivals(self) -> list[float]:
        """Returns when each callback came."""
        journal: list[tuple[float, str]] = requests.get(f"{self.url}/journal", timeout=60).json()
        return [arrived for arrived, _ in journal]


@contextmanager
def running(folder: Path, delay_seconds: float = 0) -> Iterator[RunningReceiver]:
    """Run a receiver for the block."""
    port = ports.remembered(folder / f"receiver-{time.monotonic_ns()}.json", ["receiver"])["receiver"]
    command = [sys.executable, "-m", "bench.receiver", "--port", str(port), "--delay", str(delay_seconds)]
    with Children(folder / "receiver.log") as children:
        children.start("receiver", command, {}, ROOT)
        waiting.until(lambda: not ports.is_free(port), "the receiver", check=children.check)
        yield RunningReceiver(f"http://127.0.0.1:{port}")


class Conversation(asyncio.Protocol):
    """One connection: requests one after the other, each answered once its body has come."""

    def __init__(self, delay_seconds: float) -> None:
        self._delay_seconds = delay_seconds
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, to which answers are written."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  as asyncio promises for TCP
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that has come whole."""
        self._received += data
        while (whole := split_request(self._received)) is not None:
            head, self._received = whole
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if head.startswith(b"GET /journal"):
            self._send(_with_body(json.dumps(_journal).encode()))
            return
        if not head.startswith(b"POST"):
            self._send(ANSWER)
            return
        _journal.append((time.time(), header(head, _SCHEDULED_FOR)))
        answer = NOT_DONE if b"/bench_polling " in head[: head.find(b"\r\n")] else ANSWER
        if self._delay_seconds:
            asyncio.get_running_loop().call_later(self._delay_seconds, self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


def split_request(received: bytes) -> tuple[bytes, bytes] | None:
    """Returns the head of the first request and what follows its body; None while it is not whole."""
    end = received.find(_END_OF_HEAD)
    if end < 0:
        return None
    head = received[:end]
    total = end + len(_END_OF_HEAD) + int(header(head, b"content-length") or 0)
    return (head, received[total:]) if len(received) >= total else None


def header(head: bytes, name: bytes) -> str | None:
    """Returns the value of a header, by its name in lower case."""
    at = head.lower().find(b"\r\n" + name + b":")
    if at < 0:
        return None
    begin = at + len(name) + 3
    end = head.find(b"\r\n", begin)
    return head[begin : end if end >= 0 else None].strip().decode()


def _with_body(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


ANSWER = _with_body(b"{}")
NOT_DONE = _with_body(b'{"done": false}')


async def _serve(port: int, delay_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Conversation(delay_seconds), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, default=0)
    options = parser.parse_args()
    asyncio.run(_serve(options.port, options.delay))


if __name__ == "__main__":
    _main()
