"""Calls that wait at the same moment are carried out together; one alone goes at once.

The first caller to find nobody at work becomes the leader: it takes whatever waits, up to a size, and carries it out
for all. Those who come meanwhile wait for the next round. No thread of its own, no delay.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Grouped(Generic[Item, Answer]):
    """Carries out `work` on many callers' items at once; each gets the answer to its own."""

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Answer]], most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: deque[tuple[Item, Future[Answer]]] = deque()
        self._leading = threading.Lock()

    def call(self, item: Item) -> Answer:
        """The answer to this item. Raises what `work` raised for the group it went with."""
        future: Future[Answer] = Future()
        self._waiting.append((item, future))
        while not future.done():
            with self._leading:
                if not future.done():
                    self._lead()
        return future.result()

    def _lead(self) -> None:
        group = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        try:
            answers = self._work([item for item, _ in group])
        except BaseException as error:  # noqa: BLE001  every caller of the group hears of it
            for _, future in group:
                future.set_exception(error)
        else:
            for (_, future), answer in zip(group, answers, strict=True):
                future.set_result(answer)
