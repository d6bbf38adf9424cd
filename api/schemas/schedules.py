"""Schedules as callers write them; each makes one of the core's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, field_validator, model_validator

from api.schemas.values import INSTANT_SCHEMA, TEN_YEARS_SECONDS, Given, Instant, Seconds, Zone, instant
from core import schedules
from core.schedules import cron
from core.schedules.recurring import Frequency

MOST_RUNS = 1_000_000_000
DAY_SECONDS = 86_400
SHORTEST_INTERVAL_SECONDS = 0.01  # between polls


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


class RecurringSchedule(Given):
    """What all schedules share that come back: from `starts_at` on and before `ends_at`, at most `max_runs` times.

    `jitter_seconds` delays each occurrence by a share of its own, always the same.
    """

    timezone: Zone = "UTC"
    starts_at: InstantInZone | None = None
    ends_at: InstantInZone | None = None
    max_runs: Annotated[int, Field(ge=1, le=MOST_RUNS)] | None = None
    jitter_seconds: Annotated[float, Field(ge=0, le=DAY_SECONDS, allow_inf_nan=False)] | None = None

    @field_validator("ends_at")
    @classmethod
    def _ends_later(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        starts_at = info.data.get("starts_at")
        if ends_at is not None and starts_at is not None and ends_at <= starts_at:
            raise ValueError("must be later than starts_at.")
        return ends_at

    def options(self) -> dict[str, Any]:
        """The shared options, as the core takes them."""
        return {name: getattr(self, name) for name in RecurringSchedule.model_fields}


class CronSchedule(RecurringSchedule):
    """Comes back as Debian's cron would have it."""

    type: Literal["cron"]
    expression: Annotated[str, Field(examples=["*/15 9-17 * * mon-fri"])]

    @field_validator("expression")
    @classmethod
    def _can_happen(cls, expression: str) -> str:
        try:
            cron.parse(expression)
        except cron.InvalidCron as error:
            raise ValueError(error.message) from None
        return expression

    def parsed(self) -> schedules.Schedule:
        return schedules.Cron(self.expression, **self.options())


class IntervalSchedule(RecurringSchedule):
    """Comes back every `every_seconds` of elapsed time, or by the calendar: `frequency` on the clocks of `timezone`.

    Counted from `starts_at`, else from acceptance; the first occurrence is that moment itself.
    """

    type: Literal["interval"]
    every_seconds: Annotated[float, Field(ge=1, le=TEN_YEARS_SECONDS, allow_inf_nan=False)] | None = None
    frequency: Literal["hourly", "daily", "weekly", "monthly"] | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.every_seconds is None) == (self.frequency is None):
            raise ValueError("needs exactly one of every_seconds and frequency.")
        return self

    def parsed(self) -> schedules.Schedule:
        frequency = None if self.frequency is None else Frequency(self.frequency)
        return schedules.Interval(every_seconds=self.every_seconds, frequency=frequency, **self.options())


class PollingSchedule(Given):
    """Called at once, then again `interval_seconds` after each call's end, until the answer says done.

    A job that is not done after `max_polls` polls, or `give_up_after_seconds` after acceptance, fails.
    """

    type: Literal["polling"]
    interval_seconds: Annotated[float, Field(ge=SHORTEST_INTERVAL_SECONDS, le=TEN_YEARS_SECONDS, allow_inf_nan=False)]
    max_polls: Annotated[int, Field(ge=1, le=MOST_RUNS)] | None = None
    give_up_after_seconds: Seconds | None = None

    def parsed(self) -> schedules.Schedule:
        return schedules.Polling(self.interval_seconds, self.max_polls, self.give_up_after_seconds)


GivenSchedule = Annotated[
    ImmediateSchedule | RunAtSchedule | DelayFromNowSchedule | CronSchedule | IntervalSchedule | PollingSchedule,
    Field(discriminator="type"),
]


class Preview(Given):
    """A schedule to look ahead on: its next instants later than `after`, which is now where it is not given."""

    schedule: GivenSchedule
    after: Instant | None = None
    count: Annotated[int, Field(ge=1, le=100)] = 5
