"""How long the runs of a job usually take, and whether one takes much longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.figures import percentile

LEAST_RUNS = 3
_MIDDLE, _MOST = 0.5, 0.95
_MUCH = 2.0
_LEAST_SECONDS = 1.0


@dataclass(frozen=True)
class Usual:
    """What is usual among so many runs: half of them took no longer than `seconds`, 95 of 100 than `most_seconds`."""

    seconds: float
    most_seconds: float
    count: int

    def is_exceeded_by(self, seconds: float) -> bool:
        """Whether a run that took this long is slow: twice as long as usual, by a second, and longer than most."""
        return seconds > max(self.most_seconds, _MUCH * self.seconds, self.seconds + _LEAST_SECONDS)


def of(durations: Sequence[float]) -> Usual | None:
    """Returns what is usual among runs that took so long; None where they are too few to say."""
    middle, most = percentile(durations, _MIDDLE), percentile(durations, _MOST)
    if middle is None or most is None or len(durations) < LEAST_RUNS:
        return None
    return Usual(middle, most, len(durations))
