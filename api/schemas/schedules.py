"""Schedules as callers write them; each makes one of the core's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, field_validator

from api.schemas.values import INSTANT_SCHEMA, TEN_YEARS_SECONDS, Given, Instant, Seconds, Zone, instant
from core import cron, schedules

MOST_RUNS = 1_000_000_000


def _instant_in_zone(value: Any, info: ValidationInfo) -> datetime:
    """Read a time on the clocks of the field `timezone`, which stands before this one."""
    return instant(value, info.data.get("timezone") or "UTC")


InstantInZone = Annotated[datetime, PlainValidator(_instant_in_zone), WithJsonSchema(INSTANT_SCHEMA)]


class ImmediateSchedule(Given):
    """Due at once."""

    type: Literal["immediate"]

    def parsed(self) -> schedules.Schedule:
        return schedules.Immediate()


class RunAtSchedule(Given):
    """Due at one instant; one that has passed runs at once.

    A time in the spring gap moves past it: 02:30 means 03:30. One that comes twice means the first.
    """

    type: Literal["run_at"]
    timezone: Zone | None = None
    timestamp: InstantInZone

    def parsed(self) -> schedules.Schedule:
        return schedules.RunAt(self.timestamp)


class DelayFromNowSchedule(Given):
    """Due so many seconds after acceptance."""

    type: Literal["delay_from_now"]
    duration_seconds: Annotated[float, Field(ge=0, le=TEN_YEARS_SECONDS, allow_inf_nan=False)]

    def parsed(self) -> schedules.Schedule:
        return schedules.DelayFromNow(self.duration_seconds)


class CronSchedule(Given):
    """Comes back as Debian's cron would have it, from `starts_at` on and before `ends_at`, `max_runs` times."""

    type: Literal["cron"]
    expression: Annotated[str, Field(examples=["*/15 9-17 * * mon-fri"])]
    timezone: Zone = "UTC"
    starts_at: InstantInZone | None = None
    ends_at: InstantInZone | None = None
    max_runs: Annotated[int, Field(ge=1, le=MOST_RUNS)] | None = None

    @field_validator("expression")
    @classmethod
    def _can_happen(cls, expression: str) -> str:
        try:
            cron.parse(expression)
        except cron.InvalidCron as error:
            raise ValueError(error.message) from None
        return expression

    @field_validator("ends_at")
    @classmethod
    def _ends_later(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        starts_at = info.data.get("starts_at")
        if ends_at is not None and starts_at is not None and ends_at <= starts_at:
            raise ValueError("must be later than starts_at.")
        return ends_at

    def parsed(self) -> schedules.Schedule:
        return schedules.Cron(self.expression, self.timezone, self.starts_at, self.ends_at, self.max_runs)


class PollingSchedule(Given):
    """Called at once, then again `interval_seconds` after each call's end, until the answer says done."""

    type: Literal["polling"]
    interval_seconds: Seconds

    def parsed(self) -> schedules.Schedule:
        return schedules.Polling(self.interval_seconds)


GivenSchedule = Annotated[
    ImmediateSchedule | RunAtSchedule | DelayFromNowSchedule | CronSchedule | PollingSchedule,
    Field(discriminator="type"),
]


class Preview(Given):
    """A schedule to look ahead on: its next instants later than `after`, which is now where it is not given."""

    schedule: GivenSchedule
    after: Instant | None = None
    count: Annotated[int, Field(ge=1, le=100)] = 5
