"""Asks the API for a job again and again, and remembers how long each answer took."""

from __future__ import annotations

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
        self._taken: list[float] = []
        self.refused = 0
        self._stopping = threading.Event()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask until the block ends."""
        thread = threading.Thread(target=self._ask, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join()

    @property
    def p99_ms(self) -> float:
        """The time within which 99 of 100 answers came."""
        return percentile(self._taken, _SHARE)

    def _ask(self) -> None:
        with requests.Session() as session:
            while not self._stopping.wait(_REST_SECONDS):
                began = time.perf_counter()
                self.refused += not session.get(self._url, timeout=60).ok
                self._taken.append(1000 * (time.perf_counter() - began))
