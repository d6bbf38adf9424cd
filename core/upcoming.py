"""The next occurrences across many schedules."""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Protocol, TypeVar


class Coming(Protocol):
    """Anything with a nominal instant and a due instant, which is never earlier."""

    @property
    def scheduled_for(self) -> datetime: ...

    @property
    def due_at(self) -> datetime: ...


C = TypeVar("C", bound=Coming)
_nominal = attrgetter("scheduled_for")
_due = attrgetter("due_at")


def soonest(
    planned: Iterable[C], named: Iterable[Iterator[C]], until: datetime, limit: int, most_named: int
) -> list[C]:
    """Returns the soonest planned runs and schedules' occurrences that are due by `until`, at most `limit`.

    Each schedule names its occurrences in nominal order; jitter may make them due in another. If sorting that out takes
    more than `most_named` of them, the list ends with the last that no other can precede.
    """
    best = sorted((one for one in planned if one.due_at <= until), key=_due)[:limit]
    merged = heapq.merge(*named, key=_nominal)
    for one in islice(merged, most_named):
        if one.scheduled_for > until or (len(best) == limit and one.scheduled_for >= best[-1].due_at):
            return best
        if one.due_at <= until:
            bisect.insort(best, one, key=_due)
            del best[limit:]
    following = next(merged, None)
    return best if following is None else [one for one in best if one.due_at <= following.scheduled_for]
