"""The runs that ended within a span, counted: read once for everybody, and shown to each by their rights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from core.filters import JobFilter
from core.principals import VisibleJobs
from models import apps, database
from models import ended_runs as stored
from models.ended_runs import Ended
from services.runtime.timed_cache import TimedCache
from services.system import System

MAX_ENDED = 100_000
MANY = 1_000
KEPT_SECONDS = 5
_HOUR_MINUTES = 60
SPANS = (_HOUR_MINUTES, 24 * _HOUR_MINUTES)
"""In minutes: what is read once answers for every shorter span, too."""


@dataclass(frozen=True)
class EndedWithin:
    """What ended within a span; counted from later on than asked for if it `is_cut`."""

    ended: Sequence[Ended]
    counted_since: datetime
    is_cut: bool


class EndedRuns:
    """Counts runs that ended; where many must be read for it, whosever they are, they are read every five seconds."""

    def __init__(self, system: System) -> None:
        self._clock = system.clock
        self._kept = TimedCache[_Read](system.clock, KEPT_SECONDS, len(SPANS))

    def within(self, wanted: JobFilter, minutes: int) -> EndedWithin:
        """Returns what ended within the last minutes, at most a day, for jobs that a filter names and lets be seen.

        Of the filter count the app, named `as_spelled`, the account, the task type and what is visible, and nothing
        else. The account is the one that the runs were made for.
        """
        span = next(one for one in SPANS if minutes <= one)
        read = self._kept.of(span, partial(self._read, span), lambda found: found.are_many)
        since = read.at - timedelta(minutes=minutes)
        cut_at = read.cut_at if read.cut_at is not None and read.cut_at >= since else None
        ended = [one for one in read.ended if one.minutes_ago <= minutes and _fits(wanted, one)]
        return EndedWithin(ended, cut_at or since, cut_at is not None)

    def _read(self, span: int) -> _Read:
        now = self._clock.now()
        since = now - timedelta(minutes=span)
        with stored.reading():
            cut_at = stored.cut_at(since, MAX_ENDED)
            are_many = stored.cut_at(since, MANY - 1) is not None
            return _Read(now, stored.ended(since, now, MAX_ENDED), cut_at, are_many)


@dataclass(frozen=True)
class _Read:
    """All that ended within a span until an instant; beyond the end of the run `cut_at`, if there is one."""

    at: datetime
    ended: Sequence[Ended]
    cut_at: datetime | None
    are_many: bool


def as_spelled(wanted: JobFilter) -> JobFilter:
    """Returns a filter with the name of its app as the app spells it, if there is one."""
    if wanted.app_name is None:
        return wanted
    with database.reading():
        return replace(wanted, app_name=apps.as_spelled(wanted.app_name) or wanted.app_name)


def _fits(wanted: JobFilter, one: Ended) -> bool:
    of_runs = ((wanted.app_name, one.app_name), (wanted.account_id, one.account_id), (wanted.task_type, one.task_type))
    return all(asked in (None, given) for asked, given in of_runs) and _is_visible(wanted.visible, one)


def _is_visible(seen: VisibleJobs | None, one: Ended) -> bool:
    """Whether these runs and their jobs may be seen: a job may have been another account's when they were made."""
    if seen is None:
        return True
    return seen.include(one.owner_id, one.app_id, one.job_account_id) and seen.account_id in (None, one.account_id)
