"""A schedule as it is stored: its kind and its fields, as a JSON object."""

from __future__ import annotations

import functools
import json
from dataclasses import fields
from datetime import datetime
from typing import Any

from core import schedules
from core.schedules import Recurring, cron
from models.fields import read_json
from models.tables import Job

# What reading a stored schedule, or asking it for an instant, raises when today's rules no longer allow it.
UNREADABLE = (AttributeError, LookupError, OverflowError, TypeError, ValueError, cron.InvalidCron)


def write(schedule: schedules.Schedule) -> dict[str, Any]:
    """Returns a schedule as a JSON object."""
    stored: dict[str, Any] = {"type": schedule.kind}
    for field in fields(schedule):
        value = getattr(schedule, field.name)
        if value is not None:
            stored[field.name] = value.isoformat() if isinstance(value, datetime) else value
    return stored


def read(stored: dict[str, Any]) -> schedules.Schedule:
    """Returns the schedule of a JSON object. Raises one of `UNREADABLE`."""
    return parse(json.dumps(stored, sort_keys=True))  # as a text it is found among those that were parsed before


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> schedules.Schedule:
    """Returns the schedule of a JSON text. Raises one of `UNREADABLE`, or `RecursionError`; logs nothing."""
    stored = json.loads(text)
    kind = schedules.KINDS[stored.pop("type")]
    forms = {member.field: member.form for member in kind.members()}
    return kind(**{name: forms[name].value_of(value) for name, value in stored.items()})


def parse_or_log(text: str) -> schedules.Schedule:
    """Returns the schedule of a JSON text. Raises one of `UNREADABLE`; a text that is no JSON is logged."""
    try:
        return parse(text)
    except (*UNREADABLE, RecursionError):
        return read(read_json(text, "schedule"))


def max_runs(text: str) -> int | None:
    """Returns the `max_runs` of the schedule of a JSON text; None if it has none or can no longer be read."""
    try:
        schedule = parse_or_log(text)
    except UNREADABLE:
        return None
    return schedule.max_runs if isinstance(schedule, Recurring) else None


def max_runs_of(job: Job) -> int | None:
    """Returns the `max_runs` of a job's schedule, as `max_runs` does."""
    return max_runs(json.dumps(job.schedule, sort_keys=True))
