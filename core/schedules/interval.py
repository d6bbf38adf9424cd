"""`interval`: recurs after a number of seconds, or by the calendar."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from core.instants import to_utc
from core.schedules import periods
from core.schedules.kind import Option, Schedule
from core.schedules.members import TEN_YEARS_SECONDS, Choice, Instant, Number, member
from core.schedules.recurring import Recurring


class Frequency(StrEnum):
    """A calendar rule."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, kw_only=True)
class Interval(Recurring):
    """Recurs every `every_seconds` of elapsed time, or by the calendar: `frequency` on the clocks of `timezone`.

    Counted from `starts_at`, else from acceptance; the first occurrence is that moment itself.
    """

    kind: ClassVar[str] = "interval"
    option: ClassVar[Option] = Option(
        "--every", "Run it every so often: 90s, 1h, or hourly to monthly.", ("frequency", "every_seconds")
    )

    every_seconds: float | None = field(default=None, metadata=member(Number(at_least=1, at_most=TEN_YEARS_SECONDS)))
    frequency: Frequency | None = field(default=None, metadata=member(Choice(Frequency)))
    anchor_at: datetime | None = field(default=None, metadata=member(Instant(), writable=False))

    @classmethod
    def fault_of(cls, given: Mapping[str, Any]) -> str | None:
        if (given.get("every_seconds") is None) == (given.get("frequency") is None):
            return "needs exactly one of every_seconds and frequency."
        return None

    def accepted(self, at: datetime) -> Self:
        return replace(self, anchor_at=self.anchor_at or self.starts_at or at)

    def replacing(self, old: Schedule, now: datetime) -> Self:
        """Returns the schedule as an edit stores it, with its anchor unless `every_seconds` or its start changes.

        If its start is removed before it has come, the anchor is now; if it is removed later, the anchor stays.
        """
        return replace(self, anchor_at=self._anchor(old, now)) if isinstance(old, Interval) else self.accepted(now)

    def _anchor(self, old: Interval, now: datetime) -> datetime | None:
        if self.starts_at is not None and self.starts_at != old.starts_at:
            return self.starts_at
        if self.every_seconds != old.every_seconds:
            return max(now, self.starts_at or now)
        if self.starts_at is None and old.starts_at is not None:
            return min(now, old.anchor_at or now)
        return old.anchor_at

    def preview(self, at: datetime) -> Iterator[datetime]:
        """Returns the instants for a job accepted at this moment, which is the first unless `starts_at` is later."""
        return self.accepted(at).starting_at(at)

    def _rule_in_words(self) -> str:
        if self.frequency is None:
            return f"Every {periods.in_words(self.every_seconds or 0)}"
        return f"{self.frequency.value.capitalize()}, {self.timezone}"

    def brief(self) -> str:
        if self.frequency is None:
            return f"every {periods.in_words(self.every_seconds or 0)}"
        return f"{self.frequency.value} ({self.timezone})"

    def count_at_once(self, first: datetime, before: datetime) -> int | None:
        period = self._period_seconds
        begin = next(self.starting_at(first), None)
        if period is None or begin is None:
            return None if period is None else 0
        end = before if self.ends_at is None else min(before, self.ends_at)
        return max(0, -((begin - end) // timedelta(seconds=period)))

    @property
    def _period_seconds(self) -> float | None:
        """The time that elapses between two occurrences; None by the calendar."""
        return self.every_seconds or (3600.0 if self.frequency is Frequency.HOURLY else None)

    def _next_by_rule(self, after: datetime) -> datetime | None:
        anchor = self.anchor_at or self.starts_at or after
        if after < anchor:
            return anchor
        period = self._period_seconds
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
    """The same day a number of months later, or that month's last."""
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
