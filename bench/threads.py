"""Threads that go on for as long as a block lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self


class Threads:
    """Calls a function in some threads while the block lasts; it returns soon after `stopping` is set."""

    def __init__(self, work: Callable[[], None], count: int) -> None:
        self.stopping = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self._threads:
            thread.join()
