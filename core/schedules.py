"""The kinds of schedule, and the instants they name. Everything here is pure; instants are aware UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from core import cron


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

    def first_after(self, accepted_at: datetime) -> datetime:
        return accepted_at

    def next_after_poll(self, ended_at: datetime, next_in_seconds: float | None = None) -> datetime:
        """When the next poll is due: counted from the end of the last, as the answer or the schedule says."""
        wait = self.interval_seconds if next_in_seconds is None else next_in_seconds
        return ended_at + timedelta(seconds=wait)

    def describe(self) -> str:
        return f"At once, then every {self.interval_seconds:g} s until the answer says done"


@dataclass(frozen=True)
class Cron:
    """Comes back at the times a cron expression names in a zone, from `starts_at` on and before `ends_at`."""

    kind: ClassVar[str] = "cron"
    expression: str
    timezone: str = "UTC"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    max_runs: int | None = None

    def next_after(self, after: datetime) -> datetime | None:
        """The first occurrence strictly later than `after`, or None when the schedule has ended."""
        if self.starts_at is not None and after < self.starts_at:
            after = self.starts_at - timedelta(microseconds=1)
        instant = cron.parse(self.expression).next_after(after, ZoneInfo(self.timezone))
        if instant is None or (self.ends_at is not None and instant >= self.ends_at):
            return None
        return instant

    def first_after(self, accepted_at: datetime) -> datetime | None:
        return self.next_after(accepted_at)

    def describe(self) -> str:
        return f"{cron.parse(self.expression).describe()}, {self.timezone}"


Schedule = Immediate | RunAt | DelayFromNow | Polling | Cron
KINDS: dict[str, type[Schedule]] = {kind.kind: kind for kind in (Immediate, RunAt, DelayFromNow, Cron, Polling)}


def comes_back(schedule: Schedule) -> bool:
    """Whether the schedule names its occurrences ahead, so that they can be planned."""
    return isinstance(schedule, Cron)


def upcoming(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """The instants a schedule names later than `after`, as far as they can be known ahead."""
    if not isinstance(schedule, Cron):
        first = schedule.first_after(after)
        yield max(first, after)
        return
    instant = schedule.next_after(after)
    while instant is not None:
        yield instant
        instant = schedule.next_after(instant)


def to_utc(naive: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall-clock time: a time in the spring gap moves past it, a repeated one means the first."""
    local = naive.replace(tzinfo=zone, fold=0)
    return local.astimezone(UTC)
