"""Choose for which runs of new jobs to ring: enough to wake all threads, since a woken thread continues with due runs.

A confirmed publish costs as much as a create. If these rings are too few, the coordinator tops up within a second.
"""

from __future__ import annotations

from collections import Counter

from models.runs import NewRun
from services.runtime.clock import Clock

MOST = 16  # threads to wake at a time, by queue
REFILLED_IN_SECONDS = 0.25


def of_one_commit(rows: list[NewRun]) -> list[NewRun]:
    """Returns at most `MOST` of these runs of each queue."""
    counts: Counter[str] = Counter()
    first = []
    for row in rows:
        counts[row["queue"]] += 1
        if counts[row["queue"]] <= MOST:
            first.append(row)
    return first


class Paced:
    """Limits the rings of many commits: at most `MOST` of each queue at one time, refilled continuously."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}  # by queue: the rings left, and when they were counted

    def affordable(self, rows: list[NewRun]) -> list[NewRun]:
        """Returns the runs to ring for now."""
        return [row for row in of_one_commit(rows) if self._takes(row["queue"])]

    def _takes(self, queue: str) -> bool:
        now = self._clock.monotonic()
        left, counted_at = self._left.get(queue, (float(MOST), now))
        left = min(float(MOST), left + (now - counted_at) * MOST / REFILLED_IN_SECONDS)
        takes = left >= 1
        self._left[queue] = (left - takes, now)
        return takes
