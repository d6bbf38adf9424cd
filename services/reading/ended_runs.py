"""The runs that ended within a span, by account: read once for everybody, and shown to each by their rights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from core.filters import JobFilter
from core.principals import VisibleJobs
from models import account_usage, database
from models.account_usage import Ended
from services.runtime.timed_cache import TimedCache
from services.system import System

MOST_ENDED = 100_000
MANY = 1_000
KEPT_SECONDS = 5
_HOUR_MINUTES = 60
SPANS = (_HOUR_MINUTES, 24 * _HOUR_MINUTES)
"""In minutes: what is read once answers for every shorter span, too."""

_Account = tuple[str, str]


@dataclass(frozen=True)
class UsedRuns:
    """The runs that ended for an account of an app: how many, how many of them failed, and their attempts."""

    runs: int = 0
    failed: int = 0
    attempts: int = 0

    def plus(self, more: Ended) -> UsedRuns:
        """Returns the sum of these and more runs."""
        return UsedRuns(self.runs + more.runs, self.failed + more.failed, self.attempts + more.attempts)


@dataclass(frozen=True)
class EndedWithin:
    """What ended within a span, by app and account; counted from later on than asked for if it `is_cut`."""

    by_account: dict[_Account, UsedRuns]
    counted_since: datetime
    is_cut: bool


class EndedRuns:
    """Counts runs that ended; where many must be read for it, whosever they are, they are read every five seconds."""

    def __init__(self, system: System) -> None:
        self._clock = system.clock
        self._kept = TimedCache[_Read](system.clock, KEPT_SECONDS, len(SPANS))

    def within(self, wanted: JobFilter, minutes: int) -> EndedWithin:
        """Returns what ended within the last minutes, at most a day, for jobs that a filter names and lets be seen.

        Of the filter count the app, named as it spells itself, the account and what is visible, and nothing else.
        """
        span = next(one for one in SPANS if minutes <= one)
        read = self._kept.of(span, partial(self._read, span), lambda found: found.are_many)
        since = read.at - timedelta(minutes=minutes)
        cut_at = read.cut_at if read.cut_at is not None and read.cut_at >= since else None
        return EndedWithin(_by_account(read.ended, wanted, minutes), cut_at or since, cut_at is not None)

    def _read(self, span: int) -> _Read:
        now = self._clock.now()
        since = now - timedelta(minutes=span)
        with database.reading():
            cut_at = account_usage.cut_at(since, MOST_ENDED)
            are_many = account_usage.cut_at(since, MANY - 1) is not None
            return _Read(now, account_usage.ended(since, now, MOST_ENDED), cut_at, are_many)


@dataclass(frozen=True)
class _Read:
    """All that ended within a span until an instant; beyond the end of the run `cut_at`, if there is one."""

    at: datetime
    ended: Sequence[Ended]
    cut_at: datetime | None
    are_many: bool


def _by_account(ended: Sequence[Ended], wanted: JobFilter, minutes: int) -> dict[_Account, UsedRuns]:
    found: dict[_Account, UsedRuns] = {}
    for one in ended:
        if one.minutes_ago <= minutes and _is_wanted(wanted, one) and _is_visible(wanted.visible, one):
            account = (one.app_name, one.account_id)
            found[account] = found.get(account, UsedRuns()).plus(one)
    return found


def _is_wanted(wanted: JobFilter, one: Ended) -> bool:
    return wanted.app_name in (None, one.app_name) and wanted.account_id in (None, one.account_id)


def _is_visible(seen: VisibleJobs | None, one: Ended) -> bool:
    """Whether these runs and their jobs may be seen: a job may have been another account's when they were made."""
    if seen is None:
        return True
    return seen.include(one.owner_id, one.app_id, one.job_account_id) and seen.account_id in (None, one.account_id)
