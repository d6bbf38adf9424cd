"""The kinds of schedule, and the instants they name. Everything here is pure; instants are aware UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from core.schedules.recurring import Cron, Interval, Recurring

__all__ = [
    "KINDS",
    "RECURRING_KINDS",
    "Cron",
    "DelayFromNow",
    "Immediate",
    "Interval",
    "Polling",
    "Recurring",
    "RunAt",
    "Schedule",
    "as_accepted",
    "comes_back",
    "preview",
    "upcoming",
]


@dataclass(frozen=True)
class Immediate:
    """Due at once."""

    kind: ClassVar[str] = "immediate"

    def first_after(self, accepted_at: datetime) -> datetime:
        return accepted_at

    def describe(self) -> str:
        return "At once"


@dataclass(frozen=True)
class RunAt:
    """Due at one instant; one that has passed runs at once."""

    kind: ClassVar[str] = "run_at"
    at: datetime

    def first_after(self, _accepted_at: datetime) -> datetime:
        return self.at

    def describe(self) -> str:
        return f"Once, at {self.at:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True)
class DelayFromNow:
    """Due so many seconds after acceptance."""

    kind: ClassVar[str] = "delay_from_now"
    duration_seconds: float

    def first_after(self, accepted_at: datetime) -> datetime:
        return accepted_at + timedelta(seconds=self.duration_seconds)

    def describe(self) -> str:
        return f"Once, {self.duration_seconds:g} s after it is accepted"


@dataclass(frozen=True)
class Polling:
    """Called at once, then again `interval_seconds` after each poll's end, until the answer says done."""

    kind: ClassVar[str] = "polling"
    interval_seconds: float
    max_polls: int | None = None
    give_up_after_seconds: float | None = None

    def first_after(self, accepted_at: datetime) -> datetime:
        return accepted_at

    def next_after_poll(self, ended_at: datetime, next_in_seconds: float | None = None) -> datetime:
        """When the next poll is due: counted from the end of the last, as the answer or the schedule says."""
        wait = self.interval_seconds if next_in_seconds is None else next_in_seconds
        return ended_at + timedelta(seconds=wait)

    def reason_to_stop(self, polls: int, accepted_at: datetime, next_at: datetime) -> str | None:
        """Why no poll follows the `polls`-th, though it was not done; None where one does."""
        if self.max_polls is not None and polls >= self.max_polls:
            return f"not done after max_polls={self.max_polls} polls"
        if self.give_up_after_seconds is None:
            return None
        if next_at < accepted_at + timedelta(seconds=self.give_up_after_seconds):
            return None
        return f"not done within give_up_after_seconds={self.give_up_after_seconds:g}"

    def describe(self) -> str:
        return f"At once, then every {self.interval_seconds:g} s until the answer says done"


Schedule = Immediate | RunAt | DelayFromNow | Polling | Cron | Interval
KINDS: dict[str, type[Schedule]] = {
    kind.kind: kind for kind in (Immediate, RunAt, DelayFromNow, Cron, Interval, Polling)
}

RECURRING_KINDS = (Cron.kind, Interval.kind)


def comes_back(schedule: Schedule) -> bool:
    """Whether the schedule names its occurrences ahead, so that they can be planned."""
    return isinstance(schedule, Recurring)


def as_accepted(schedule: Schedule, at: datetime) -> Schedule:
    """The schedule as it is stored when a job is accepted: an interval gets its anchor."""
    return schedule.accepted(at) if isinstance(schedule, Recurring) else schedule


def preview(schedule: Schedule, at: datetime) -> Iterator[datetime]:
    """The instants a schedule names for a job accepted at this moment; an interval's first is the moment itself."""
    accepted = as_accepted(schedule, at)
    if isinstance(accepted, Interval):
        return upcoming(accepted, at - timedelta(microseconds=1))
    return upcoming(accepted, at)


def upcoming(schedule: Schedule | Recurring, after: datetime) -> Iterator[datetime]:
    """The instants a schedule names later than `after`, as far as they can be known ahead."""
    if not isinstance(schedule, Recurring):
        first = schedule.first_after(after)
        yield max(first, after)
        return
    instant = schedule.next_after(after)
    while instant is not None:
        yield instant
        instant = schedule.next_after(instant)
