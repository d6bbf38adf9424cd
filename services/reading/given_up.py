"""Jobs that failed though none of their runs did: they polled as often, or as long, as they were to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from core.filters import JobFilter
from core.principals import Principal
from models import database, given_up
from models.given_up import GivenUp
from services.reading.kept import Kept
from services.reading.visibility import visible
from services.system import System

MOST_LISTED = 100
MANY = 1_000
KEPT_SECONDS = 30.0
_MOST_KEPT = 100
_HOUR_MINUTES = 60


@dataclass(frozen=True)
class GivenUpJobs:
    """The jobs, the last to give up first; `is_cut` if there are more."""

    results: list[GivenUp]
    is_cut: bool


class AllGivenUp:
    """The jobs that gave up; among many jobs, they are looked for every half a minute."""

    def __init__(self, system: System) -> None:
        self._clock = system.clock
        self._kept = Kept[_Found](system.clock, KEPT_SECONDS, _MOST_KEPT)

    def of(self, principal: Principal, hours: float, wanted: JobFilter | None = None) -> GivenUpJobs:
        """Returns the last 100 matching jobs that gave up within the last hours and that the principal may see."""
        fitting, minutes = visible(principal, wanted or JobFilter()), math.ceil(hours * _HOUR_MINUTES)
        key = (fitting, minutes)  # the beginning of a day is another number of hours ago each time
        found = self._kept.of(key, lambda: self._found(fitting, minutes), lambda one: one.are_among_many)
        since = self._clock.now() - timedelta(hours=hours)
        jobs = [one for one in found.jobs if one.finished_at >= since]
        return GivenUpJobs(jobs[:MOST_LISTED], len(jobs) > MOST_LISTED)

    def _found(self, fitting: JobFilter, minutes: int) -> _Found:
        since = self._clock.now() - timedelta(minutes=minutes)
        with database.reading():
            jobs = given_up.newest(fitting, since, MOST_LISTED + 1)
            return _Found(jobs, given_up.are_among_more_than(MANY))


@dataclass(frozen=True)
class _Found:
    """The jobs, one more than are listed, and whether many had to be read for them."""

    jobs: list[GivenUp]
    are_among_many: bool
