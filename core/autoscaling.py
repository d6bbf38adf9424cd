"""The number of worker processes, decided by the length of their queues."""

from __future__ import annotations

from dataclasses import dataclass

FEWEST, MOST = 1, 5
CROWDED = 10


@dataclass(frozen=True)
class Load:
    """The content of the queues of runs: rings that wait for a worker, and rings that workers have taken."""

    ready: int
    taken: int

    def __add__(self, other: Load) -> Load:
        return Load(self.ready + other.ready, self.taken + other.taken)


NO_LOAD = Load(0, 0)


def change(load: Load | None, workers: int) -> int:
    """Returns the change in the number of workers: one more if over ten rings wait, one fewer if the queues are empty.

    The number stays from one to five, whatever the load; an unknown load changes nothing.
    """
    if workers < FEWEST:
        return 1
    if load is None:
        return 0
    if load.ready > CROWDED and workers < MOST:
        return 1
    return -1 if load == NO_LOAD and workers > FEWEST else 0
