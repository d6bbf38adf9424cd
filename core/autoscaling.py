"""How many worker processes there are to be, by how much waits in their queues."""

from __future__ import annotations

from dataclasses import dataclass

FEWEST, MOST = 1, 5
CROWDED = 10


@dataclass(frozen=True)
class Load:
    """What lies in the queues of runs: rings that wait for a worker, and those that workers are at."""

    ready: int
    taken: int

    def __add__(self, other: Load) -> Load:
        return Load(self.ready + other.ready, self.taken + other.taken)


NO_LOAD = Load(0, 0)


def change(load: Load | None, workers: int) -> int:
    """By how many workers to change, at most one either way: more than ten waiting adds one, none at all removes one.

    There are from one to five, whatever the load; where that is not known, as many as there were.
    """
    if workers < FEWEST:
        return 1
    if load is None:
        return 0
    if load.ready > CROWDED and workers < MOST:
        return 1
    return -1 if load == NO_LOAD and workers > FEWEST else 0
