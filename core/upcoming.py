"""The next occurrences across many schedules."""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Generic, Protocol, TypeVar


class Coming(Protocol):
    """Anything with a nominal instant and a due instant, which is never earlier."""

    @property
    def scheduled_for(self) -> datetime: ...

    @property
    def due_at(self) -> datetime: ...


C = TypeVar("C", bound=Coming)


@dataclass(frozen=True)
class Ahead(Generic[C]):
    """Upcoming runs, soonest first, complete up to `until`."""

    found: list[C]
    until: datetime


_nominal = attrgetter("scheduled_for")
_due = attrgetter("due_at")


def soonest(
    planned: Iterable[C], named: Iterable[Iterator[C]], until: datetime, limit: int, most_named: int
) -> Ahead[C]:
    """Returns the soonest planned runs and schedules' occurrences that are due by `until`, at most `limit`.

    Each schedule yields its occurrences in nominal order; jitter may make them due in another order. If sorting them
    takes more than `most_named` occurrences, the list ends with the last one that no other can precede.
    """
    best = sorted((one for one in planned if one.due_at <= until), key=_due)[:limit]
    merged = heapq.merge(*named, key=_nominal)
    for one in islice(merged, most_named):
        if one.scheduled_for > until or (len(best) == limit and one.scheduled_for >= best[-1].due_at):
            return _all_of(best, until, limit)
        if one.due_at <= until:
            bisect.insort(best, one, key=_due)
            del best[limit:]
    following = next(merged, None)
    if following is not None and following.scheduled_for < until:
        until = following.scheduled_for
    return _all_of([one for one in best if one.due_at <= until], until, limit)


def _all_of(best: list[C], until: datetime, limit: int) -> Ahead[C]:
    """The list is complete up to `until` or, if there may be more than the limit, up to its last item."""
    return Ahead(best, best[-1].due_at if best and len(best) == limit else until)
