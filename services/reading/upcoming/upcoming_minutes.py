"""Counts upcoming runs by the minute in which they are due, without counting many runs each time.

If there are many, the counts are cached for half a minute; few are counted again, so that a new job is included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from core.figures import whole_minute
from core.filters import JobFilter
from core.principals import Principal
from services.reading import visibility
from services.reading.upcoming import upcoming_runs
from services.reading.upcoming.upcoming_runs import UpcomingView
from services.runtime.timed_cache import TimedCache
from services.system import System

KEPT_SECONDS = 30.0
MANY = 500
MAX_NAMED = 5
_MAX_KEPT = 100


@dataclass(frozen=True)
class MinutesAhead:
    """How many runs are due in each minute; nothing is known beyond `until`, if it is set.

    `meeting` has the first jobs of each minute in which runs of several jobs are due.
    """

    counts: Mapping[datetime, int]
    until: datetime | None
    meeting: Mapping[datetime, Sequence[UpcomingView]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """The total number of runs."""
        return sum(self.counts.values())


class ComingMinutes:
    """The counts that one process caches."""

    def __init__(self, system: System, seconds: float, most: int) -> None:
        self._system = system
        self._seconds = seconds
        self._most = most
        self._kept = TimedCache[MinutesAhead](system.clock, KEPT_SECONDS, _MAX_KEPT)

    def of(self, principal: Principal, wanted: JobFilter) -> MinutesAhead:
        """Returns the minutes in which runs of matching jobs are due, as `upcoming_runs.coming` finds them."""
        key = visibility.visible(principal, wanted)
        return self._kept.of(key, lambda: self._counted(principal, wanted), lambda found: found.total >= MANY)

    def _counted(self, principal: Principal, wanted: JobFilter) -> MinutesAhead:
        horizon = self._system.clock.now() + timedelta(seconds=self._seconds)
        ahead = upcoming_runs.look_ahead(principal, self._system, wanted, self._seconds, self._most)
        until = ahead.until if ahead.until < horizon else None
        counts = Counter(whole_minute(one.due_at) for one in ahead.found)
        return MinutesAhead(counts, until, _meeting(ahead.found))


def _meeting(found: Iterable[UpcomingView]) -> dict[datetime, list[UpcomingView]]:
    jobs: dict[datetime, dict[UUID, UpcomingView]] = {}
    for one in found:
        of_minute = jobs.setdefault(whole_minute(one.due_at), {})
        if len(of_minute) < MAX_NAMED:
            of_minute.setdefault(one.job_id, one)
    return {minute: list(of_minute.values()) for minute, of_minute in jobs.items() if len(of_minute) > 1}
