"""Schedules as callers get them: the canonical form, instants in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.values import Shown
from core import schedules


class ShownImmediate(Shown):
    type: Literal["immediate"] = "immediate"


class ShownRunAt(Shown):
    type: Literal["run_at"] = "run_at"
    timestamp: datetime


class ShownDelayFromNow(Shown):
    type: Literal["delay_from_now"] = "delay_from_now"
    duration_seconds: float


class ShownRecurring(Shown):
    timezone: str
    starts_at: datetime | None
    ends_at: datetime | None
    max_runs: int | None
    jitter_seconds: float | None


class ShownCron(ShownRecurring):
    type: Literal["cron"] = "cron"
    expression: str


class ShownInterval(ShownRecurring):
    type: Literal["interval"] = "interval"
    every_seconds: float | None
    frequency: str | None
    anchor_at: datetime | None


class ShownPolling(Shown):
    type: Literal["polling"] = "polling"
    interval_seconds: float
    max_polls: int | None
    give_up_after_seconds: float | None


ShownSchedule = Annotated[
    ShownImmediate | ShownRunAt | ShownDelayFromNow | ShownCron | ShownInterval | ShownPolling,
    Field(discriminator="type"),
]


class Occurrences(Shown):
    """The next instants a schedule names, and the schedule in words."""

    next: list[datetime]
    description: str


def show(schedule: schedules.Schedule) -> ShownSchedule:
    """The canonical form of a schedule."""
    match schedule:
        case schedules.Immediate():
            return ShownImmediate()
        case schedules.RunAt():
            return ShownRunAt(timestamp=schedule.at)
        case schedules.DelayFromNow():
            return ShownDelayFromNow(duration_seconds=schedule.duration_seconds)
        case schedules.Cron():
            return ShownCron.model_validate(schedule)
        case schedules.Interval():
            return ShownInterval.model_validate(schedule)
        case schedules.Polling():
            return ShownPolling.model_validate(schedule)
