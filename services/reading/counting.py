"""Counts the items of lists, without counting a long one each time.

A short list is counted again for its first page, so that new items are in the count. The count of a long list is cached
for a minute; so is every count for the pages that follow the first.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from services.runtime.clock import Clock
from services.runtime.timed_cache import TimedCache

KEPT_SECONDS = 60.0
LONG = 1_000
MAX_KEPT = 500


class Counts:
    """The counts that one process caches, the most recent ones."""

    def __init__(self, clock: Clock) -> None:
        self._kept = TimedCache[int](clock, KEPT_SECONDS, MAX_KEPT)

    def of(self, wanted: Hashable, count: Callable[[], int], *, is_first_page: bool) -> int:
        """Returns how many items match: the cached count if it may be used, else a new one."""
        return self._kept.of(wanted, count, lambda kept: kept >= LONG or not is_first_page)
