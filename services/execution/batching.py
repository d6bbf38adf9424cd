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

import structlog

from core.errors import Unavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")
log = structlog.get_logger()


class Grouped(Generic[Item, Answer]):
    """Carries out `work` on many callers' items at once; each gets the answer to its own.

    Where a group fails for a reason of its own, its items are carried out one by one, so that one bad item harms no
    other. A server that is away is everybody's reason.
    """

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
        self._carry_out([self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))])

    def _carry_out(self, group: Sequence[tuple[Item, Future[Answer]]]) -> None:
        try:
            answers = self._work([item for item, _ in group])
        except BaseException as error:  # noqa: BLE001  whoever waits for it hears of it
            if len(group) > 1 and not isinstance(error, Unavailable):
                for one in group:
                    self._carry_out([one])
                return
            for _, future in group:
                future.set_exception(error)
        else:
            for (_, future), answer in zip(group, answers, strict=True):
                future.set_result(answer)


def in_parts(work: Callable[[Sequence[Item]], int], items: Sequence[Item]) -> int:
    """Carry out `work` on many items at once, or, where that fails, on each half of them; the sum of its answers.

    So one bad item harms no other, and is told in the log. Raises `Unavailable` where a server is away.
    """
    try:
        return work(items)
    except Unavailable:
        raise
    except Exception:
        if len(items) > 1:
            half = len(items) // 2
            return in_parts(work, items[:half]) + in_parts(work, items[half:])
        log.exception("bad_item", item=str(items[0]))
        return 0
