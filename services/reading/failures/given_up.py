"""Jobs that failed though none of their runs did: they polled as often, or as long, as they were to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from core.filters import JobFilter
from core.principals import Principal
from models import apps, database, given_up
from models.given_up import GivenUp
from services.reading.visibility import visible
from services.runtime.timed_cache import TimedCache
from services.system import System

MAX_LISTED = 100
MAX_READ = 1_000
MANY = 1_000
KEPT_SECONDS = 30.0
_MAX_KEPT = 100


@dataclass(frozen=True)
class GivenUpJobs:
    """The jobs, the last to give up first; `is_cut` if there are more."""

    results: list[GivenUp]
    is_cut: bool


class AllGivenUp:
    """The jobs that gave up; among many jobs, a caller's are looked for every half a minute, whichever they ask for."""

    def __init__(self, system: System) -> None:
        self._clock = system.clock
        self._kept = TimedCache[_Found](system.clock, KEPT_SECONDS, _MAX_KEPT)

    def of(
        self,
        principal: Principal,
        hours: float,
        wanted: JobFilter | None = None,
        *,
        before: datetime | None = None,
    ) -> GivenUpJobs:
        """Returns the last 100 matching jobs that gave up within the last hours and that the principal may see.

        Those that gave up `before` an instant, if it is given.

        Of the filter count the app, the account and the task type, and nothing else. Of all accounts and task types of
        the app, or of all apps, the last 1,000 jobs that the principal may see are read.
        """
        wanted = wanted or JobFilter()
        seen = JobFilter(visible=visible(principal, wanted).visible, app_name=wanted.app_name)
        if seen.app_name is not None:
            with database.reading():
                seen = replace(seen, app_name=apps.as_spelled(seen.app_name))
            if seen.app_name is None:
                return GivenUpJobs([], is_cut=False)
        found = self._kept.of(seen, partial(_read, seen), lambda one: one.are_among_many)
        since = self._clock.now() - timedelta(hours=hours)
        jobs = [one for one in found.jobs if one.finished_at >= since]
        fitting = [one for one in jobs if _is_wanted(wanted, one) and (before is None or one.finished_at < before)]
        return GivenUpJobs(fitting[:MAX_LISTED], len(fitting) > MAX_LISTED or len(jobs) > MAX_READ)


@dataclass(frozen=True)
class _Found:
    """The jobs, one more than are read if there are more, and whether many had to be looked through for them."""

    jobs: list[GivenUp]
    are_among_many: bool


def _read(seen: JobFilter) -> _Found:
    with database.reading():
        return _Found(given_up.newest(seen, MAX_READ + 1), given_up.are_among_more_than(MANY))


def _is_wanted(wanted: JobFilter, one: GivenUp) -> bool:
    return wanted.account_id in (None, one.account_id) and wanted.task_type in (None, one.task_type)
