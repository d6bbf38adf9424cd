"""Counts the items of lists, without counting a long one each time.

A short list is counted anew for its first page, so that new items are in the count. The count of a long one
is kept for a minute; so is every count for the pages that follow the first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from services.runtime.clock import Clock

KEPT_SECONDS = 60.0
LONG = 1_000
MOST_KEPT = 500


class Counts:
    """The counts that one process keeps, the most recently counted ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()  # with the monotonic time of counting
        self._lock = threading.Lock()

    def of(self, wanted: Hashable, count: Callable[[], int], *, is_first_page: bool) -> int:
        """Returns how many items fit: the kept count if it may be used, else a new one."""
        kept = self._fresh(wanted)
        if kept is not None and (kept >= LONG or not is_first_page):
            return kept
        counted = count()
        self._keep(wanted, counted)
        return counted

    def _fresh(self, wanted: Hashable) -> int | None:
        with self._lock:
            counted, at = self._kept.get(wanted, (0, None))
        return None if at is None or self._clock.monotonic() - at >= KEPT_SECONDS else counted

    def _keep(self, wanted: Hashable, counted: int) -> None:
        with self._lock:
            self._kept[wanted] = (counted, self._clock.monotonic())
            self._kept.move_to_end(wanted)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
