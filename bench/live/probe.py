"""Asks the API for a job again and again, and remembers how long each answer took.

It is a process of its own: in that of the listeners it would measure how long it waits for Python's lock.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from bench.figures import percentile

_REST_SECONDS = 0.01
_SHARE = 0.99


class Probe:
    """The answers' times, in milliseconds, while it asks."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.p99_ms = 0.0
        self.refused = 0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask until the block ends."""
        command = [sys.executable, "-m", "bench.live.probe", self._url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                yield
            finally:
                answer, _ = process.communicate()
        self.p99_ms, self.refused = json.loads(answer)


def _ask(url: str, stopping: threading.Event) -> tuple[float, int]:
    """Ask until told to stop. Returns the time within which 99 of 100 answers came, and how many were refusals."""
    taken: list[float] = []
    refused = 0
    with requests.Session() as session:
        while not stopping.wait(_REST_SECONDS):
            began = time.perf_counter()
            refused += not session.get(url, timeout=60).ok
            taken.append(1000 * (time.perf_counter() - began))
    return percentile(taken, _SHARE), refused


def _stop_when_told(stopping: threading.Event) -> None:
    sys.stdin.read()
    stopping.set()


if __name__ == "__main__":
    stop = threading.Event()
    threading.Thread(target=_stop_when_told, args=[stop], daemon=True).start()
    print(json.dumps(_ask(sys.argv[1], stop)))
