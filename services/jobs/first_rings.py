"""For which of the runs of new jobs to ring: no more than wake all threads. Whoever is awake goes on to what is due.

A confirmed publish costs as much as a create. The coordinator's top-up rings within a second where this was too little.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from services.runtime.clock import Clock

Row = dict[str, Any]
Rows = list[Row]

MOST = 16  # of one queue at a time: threads to wake
REFILLED_IN_SECONDS = 0.1


def of_one_commit(rows: Rows) -> Rows:
    """Returns as many of these runs of each queue as there is a use in ringing for at one time."""
    counts: Counter[str] = Counter()
    first = []
    for row in rows:
        counts[row["queue"]] += 1
        if counts[row["queue"]] <= MOST:
            first.append(row)
    return first


class Paced:
    """Rings of commits that follow each other: of each queue `MOST` at one time, and as many again soon after."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}  # of each queue: rings, and when that was counted

    def affordable(self, rows: Rows) -> Rows:
        """Returns those of these runs that are rung for now."""
        return [row for row in of_one_commit(rows) if self._takes(row["queue"])]

    def _takes(self, queue: str) -> bool:
        now = self._clock.monotonic()
        left, counted_at = self._left.get(queue, (float(MOST), now))
        left = min(float(MOST), left + (now - counted_at) * MOST / REFILLED_IN_SECONDS)
        takes = left >= 1
        self._left[queue] = (left - takes, now)
        return takes
