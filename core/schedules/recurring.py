"""Schedules that come back by a rule: cron and interval, and the options they share. Instants are aware UTC."""

from __future__ import annotations

import calendar
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from core.instants import to_utc
from core.schedules import cron

_JUST_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Recurring(ABC):
    """Comes back from `starts_at` on and before `ends_at`, both nominal, at most `max_runs` times."""

    timezone: str = "UTC"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    max_runs: int | None = None
    jitter_seconds: float | None = None

    def next_after(self, after: datetime) -> datetime | None:
        """The first occurrence strictly later than `after`, or None when the schedule has ended."""
        if self.starts_at is not None and after < self.starts_at:
            after = self.starts_at - _JUST_BEFORE
        instant = self._next_by_rule(after)
        if instant is None or (self.ends_at is not None and instant >= self.ends_at):
            return None
        return instant

    def accepted(self, _at: datetime) -> Self:
        """The schedule as it is stored when a job is accepted."""
        return self

    def due_at(self, job_id: UUID, occurrence: datetime) -> datetime:
        """When an occurrence is due: later than its nominal instant by the job's own share of the jitter.

        The share is a hash of job and occurrence, so that every planner comes to the same.
        """
        if not self.jitter_seconds:
            return occurrence
        digest = hashlib.blake2b(f"{job_id}/{occurrence.isoformat()}".encode(), digest_size=8).digest()
        return occurrence + timedelta(seconds=self.jitter_seconds * int.from_bytes(digest) / 2**64)

    @abstractmethod
    def describe(self) -> str:
        """The schedule in words."""

    @abstractmethod
    def _next_by_rule(self, after: datetime) -> datetime | None:
        """The rule's own next instant, the options aside."""


@dataclass(frozen=True)
class Cron(Recurring):
    """Comes back at the times that a cron expression names on the clocks of a zone."""

    kind: ClassVar[str] = "cron"
    expression: str

    def describe(self) -> str:
        return f"{cron.parse(self.expression).describe()}, {self.timezone}"

    def _next_by_rule(self, after: datetime) -> datetime | None:
        return cron.parse(self.expression).next_after(after, ZoneInfo(self.timezone))


class Frequency(StrEnum):
    """A calendar rule."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, kw_only=True)
class Interval(Recurring):
    """Comes back every so many seconds of elapsed time, or by the calendar, counted from an anchor.

    The anchor is `starts_at`, else the moment of acceptance; the first occurrence is the anchor itself.
    """

    kind: ClassVar[str] = "interval"
    every_seconds: float | None = None
    frequency: Frequency | None = None
    anchor_at: datetime | None = None

    def accepted(self, at: datetime) -> Self:
        return replace(self, anchor_at=self.anchor_at or self.starts_at or at)

    def describe(self) -> str:
        if self.frequency is None:
            return f"Every {self.every_seconds:g} s"
        return f"{self.frequency.value.capitalize()}, {self.timezone}"

    def _next_by_rule(self, after: datetime) -> datetime | None:
        anchor = self.anchor_at or self.starts_at or after
        if after < anchor:
            return anchor
        period = self.every_seconds or (3600.0 if self.frequency is Frequency.HOURLY else None)
        if period is not None:
            return _next_elapsed(anchor, timedelta(seconds=period), after)
        return _next_on_calendar(anchor, self.frequency or Frequency.DAILY, ZoneInfo(self.timezone), after)


def _next_elapsed(anchor: datetime, period: timedelta, after: datetime) -> datetime | None:
    count = (after - anchor) // period + 1
    try:
        return anchor + count * period
    except OverflowError:
        return None


def _next_on_calendar(anchor: datetime, frequency: Frequency, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first day of the rule, at the anchor's time of day, that is later than `after`."""
    local = anchor.astimezone(zone)
    nth, estimate = _RULES[frequency]
    count = max(0, estimate(local.date(), after.astimezone(zone).date()) - 1)
    while True:
        try:
            instant = to_utc(datetime.combine(nth(local.date(), count), local.time()), zone)
        except (OverflowError, ValueError):
            return None
        if instant > after:
            return instant
        count += 1


def _months_later(first: date, count: int) -> date:
    """The same day so many months later, or that month's last."""
    years, month = divmod(first.month - 1 + count, 12)
    year = first.year + years
    return date(year, month + 1, min(first.day, calendar.monthrange(year, month + 1)[1]))


_Nth = Callable[[date, int], date]
_Estimate = Callable[[date, date], int]
_RULES: dict[Frequency, tuple[_Nth, _Estimate]] = {
    Frequency.DAILY: (lambda first, n: first + timedelta(days=n), lambda first, day: (day - first).days),
    Frequency.WEEKLY: (lambda first, n: first + timedelta(weeks=n), lambda first, day: (day - first).days // 7),
    Frequency.MONTHLY: (
        _months_later,
        lambda first, day: (day.year - first.year) * 12 + day.month - first.month,
    ),
}
