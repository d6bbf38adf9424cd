"""The number of worker processes, decided by the length of their queues, and by the threads that runs need."""

from __future__ import annotations

import math
from dataclasses import dataclass

FEWEST, MOST = 1, 5
CROWDED = 10
_DIGITS = 6  # sums of seconds are not exact


@dataclass(frozen=True)
class Load:
    """The content of the queues of runs: rings that wait for a worker, and rings that workers have taken."""

    ready: int
    taken: int

    def __add__(self, other: Load) -> Load:
        return Load(self.ready + other.ready, self.taken + other.taken)


NO_LOAD = Load(0, 0)


def workers_for(threads: float, threads_each: int) -> int:
    """Returns how many workers have so many threads together."""
    return math.ceil(round(threads / threads_each, _DIGITS))


def change(load: Load | None, workers: int, needed: int = 0) -> int:
    """Returns the change in the number of workers: one more if over ten rings wait, one fewer if the queues are empty.

    Of the workers whose threads runs need, as many are added at once as are missing, and none of them is removed. The
    number stays from one to five, whatever the load; an unknown load removes none.
    """
    wanted = min(MOST, max(FEWEST, needed))
    if workers < wanted:
        return wanted - workers
    if load is None:
        return 0
    if load.ready > CROWDED and workers < MOST:
        return 1
    return -1 if load == NO_LOAD and workers > wanted else 0
