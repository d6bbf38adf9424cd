"""How long the runs of a job usually take, and whether one, or all since an instant, take much longer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from core.figures import percentile

MIN_RUNS = 3
MIN_SLOW = 2
_MIDDLE, _MOST = 0.5, 0.95
MUCH = 2.0
MIN_SECONDS = 1.0


@dataclass(frozen=True)
class Taken:
    """When a run that completed began, and how long it took."""

    started_at: datetime
    seconds: float


@dataclass(frozen=True)
class Slower:
    """How much slower the newest runs are: their number, the factor, and their median duration in `seconds`."""

    times: float
    seconds: float
    since: datetime
    runs: int


@dataclass(frozen=True)
class Usual:
    """The usual duration, from a number of runs: the median is `seconds`, the 95th percentile `most_seconds`.

    The newest runs, if all of them are slow, are excluded: they are `slower`.
    """

    seconds: float
    most_seconds: float
    count: int
    slower: Slower | None = None

    @property
    def most_is_longest(self) -> bool:
        """Whether the 95th percentile is that of so few runs that it is the longest of them."""
        return math.ceil(_MOST * self.count) == self.count

    def is_exceeded_by(self, seconds: float) -> bool:
        """Whether a duration is slow: twice the usual one, a second more than it, and above the 95th percentile."""
        return seconds > max(self.most_seconds, _much_more_than(self.seconds))


def of(taken: Sequence[Taken]) -> Usual | None:
    """Returns the usual duration of runs, given newest first; None if there are too few.

    So that a job that has become slow is recognised, the usual duration is taken from the older half, and the newest
    runs that all took much longer are excluded, as long as they are fewer than the runs before them.
    """
    before = _middle(taken[len(taken) // 2 :])
    if before is None or len(taken) < MIN_RUNS:
        return None
    slow = list(takewhile(lambda one: one.seconds > _much_more_than(before), taken))
    rest = taken[len(slow) :]
    if len(rest) < MIN_RUNS or len(slow) < MIN_SLOW:
        slow, rest = [], taken
    middle, most = _middle(rest), percentile((one.seconds for one in rest), _MOST)
    assert middle is not None  # noqa: S101  there are some
    assert most is not None  # noqa: S101
    return Usual(middle, most, len(rest), _slower(slow, middle))


def _slower(slow: Sequence[Taken], usual: float) -> Slower | None:
    middle = _middle(slow)
    if middle is None:
        return None
    return Slower(middle / max(usual, 0.001), middle, slow[-1].started_at, len(slow))


def _middle(taken: Sequence[Taken]) -> float | None:
    return percentile((one.seconds for one in taken), _MIDDLE)


def _much_more_than(seconds: float) -> float:
    return max(MUCH * seconds, seconds + MIN_SECONDS)
