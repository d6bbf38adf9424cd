"""Sends one HTTP server the same request again and again, on many connections, and prints the figures as JSON.

    python -m bench.load --url http://127.0.0.1:8000/api/jobs/create --body FILE [--connections 32] [--seconds 8]

One thread, non-blocking sockets and epoll: a request costs it some 20 microseconds, so that the server is the limit.
Each connection sends its next request as soon as it has its answer.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.checkout import ROOT
from bench.figures import percentile

_END_OF_HEAD = b"\r\n\r\n"
_AT_ONCE = 65_536
CONNECTIONS = 32
WARM_UP_SECONDS = 2.0


@dataclass
class Connection:
    """One connection: the bytes of the answer so far, and when the request was sent."""

    socket: socket.socket
    asked_at: float = 0.0
    received: bytes = b""

    def ask(self, request: bytes) -> None:
        """Send the request."""
        self.received = b""
        self.asked_at = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> int | None:
        """Returns the status once the answer is whole. Raises `ConnectionError` if the server hangs up."""
        data = self.socket.recv(_AT_ONCE)
        if not data:
            raise ConnectionError("The server hung up.")
        self.received += data
        return whole_status(self.received)


@dataclass
class Tally:
    """The outcomes of the requests."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: str = ""

    def note(self, status: int, seconds: float, answer: bytes) -> None:
        """Count one answer, and keep the first bad one."""
        if 200 <= status < 300:  # noqa: PLR2004  the good statuses of HTTP
            self.seconds.append(seconds)
        else:
            self.errors += 1
            self.first_error = self.first_error or answer[:600].decode(errors="replace")


def whole_status(received: bytes) -> int | None:
    """Returns the status of an answer with Content-Length; None while it is not whole."""
    end = received.find(_END_OF_HEAD)
    if end < 0:
        return None
    head = received[:end].lower()
    _, _, rest = head.partition(b"content-length:")
    length = int(rest.split(b"\r\n", 1)[0] or 0) if rest else 0
    return int(head[9:12]) if len(received) >= end + len(_END_OF_HEAD) + length else None


@dataclass(frozen=True)
class Asked:
    """The request that is sent again and again: where to, its JSON, and more lines of its head."""

    url: str
    body: Any
    headers: Sequence[str] = ()


def ask(asked: Asked, seconds: float, folder: Path) -> dict[str, float]:
    """Run this module in a process of its own; returns what it prints."""
    file = folder / "body.json"
    file.write_text(json.dumps(asked.body))
    options = ["--url", asked.url, "--body", str(file), "--seconds", str(seconds)]
    options += [option for header in asked.headers for option in ("--header", header)]
    done = subprocess.run([sys.executable, "-m", "bench.load", *options], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measured(asked: Asked, seconds: float, folder: Path, meters: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """Warm up, measure, and add the processor time of a request by kind of process."""
    ask(asked, WARM_UP_SECONDS, folder)
    before = {kind: meter() for kind, meter in meters.items()}
    figures = ask(asked, seconds, folder)
    requests = figures["per_s"] * seconds
    return {**figures, **{f"{kind}_ms": 1000 * (meter() - before[kind]) / requests for kind, meter in meters.items()}}


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--header", action="append", default=[], help="a line of the head, such as a token")
    options = parser.parse_args()
    address = urlsplit(options.url)
    request = request_of(address.path, options.body.read_bytes(), options.header)
    began, processor = time.perf_counter(), time.process_time()
    tally = _run(address.hostname or "127.0.0.1", address.port or 80, request, options.connections, options.seconds)
    elapsed = time.perf_counter() - began
    if tally.errors or not tally.seconds:
        raise SystemExit(f"{tally.errors} requests were refused, the first with:\n{tally.first_error}")
    print(json.dumps(_figures(tally, elapsed, time.process_time() - processor)))


def request_of(path: str, body: bytes, headers: Sequence[str] = ()) -> bytes:
    """Returns the bytes of a request, with these lines in its head."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _run(host: str, port: int, request: bytes, connections: int, seconds: float) -> Tally:
    poll, tally = select.epoll(), Tally()
    with contextlib.ExitStack() as stack:
        open_ones: dict[int, Connection] = {}
        for _ in range(connections):
            connection = Connection(stack.enter_context(socket.create_connection((host, port))))
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            poll.register(connection.socket, select.EPOLLIN)
            open_ones[connection.socket.fileno()] = connection
            connection.ask(request)
        _converse(poll, open_ones, request, tally, time.perf_counter() + seconds)
    return tally


def _converse(
    poll: select.epoll, connections: dict[int, Connection], request: bytes, tally: Tally, until: float
) -> None:
    while (now := time.perf_counter()) < until:
        for number, _ in poll.poll(until - now):
            connection = connections[number]
            status = connection.read()
            if status is not None:
                tally.note(status, time.perf_counter() - connection.asked_at, connection.received)
                connection.ask(request)


def _figures(tally: Tally, elapsed: float, processor: float) -> dict[str, float]:
    return {
        "per_s": len(tally.seconds) / elapsed,
        "p50_ms": percentile(tally.seconds, 0.5) * 1000,
        "p99_ms": percentile(tally.seconds, 0.99) * 1000,
        "load_cpu_percent": 100 * processor / elapsed,
    }


if __name__ == "__main__":
    _main()
