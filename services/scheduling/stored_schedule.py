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
    """Returns the schedule in a stored JSON object. Raises one of `UNREADABLE`."""
    return read_text(json.dumps(stored, sort_keys=True))


def read_stored(text: str) -> schedules.Schedule:
    """Returns the schedule in a text of the database; text that is not JSON is logged. Raises one of `UNREADABLE`."""
    try:
        return read_text(text)
    except (*UNREADABLE, RecursionError):
        return read(read_json(text, "schedule"))  # `read_json` says what is wrong with it


def max_runs(job: Job) -> int | None:
    """Returns a job's `max_runs`; None if its schedule has none or can no longer be read."""
    return stored_max_runs(json.dumps(job.schedule, sort_keys=True))


def stored_max_runs(text: str) -> int | None:
    """Returns the `max_runs` of a schedule in a text of the database; None as for `max_runs`."""
    try:
        schedule = read_stored(text)
    except UNREADABLE:
        return None
    return schedule.max_runs if isinstance(schedule, Recurring) else None


@functools.lru_cache(maxsize=4096)
def read_text(text: str) -> schedules.Schedule:
    """Returns the schedule in a JSON text, cached. Raises one of `UNREADABLE`, or `RecursionError`; logs nothing."""
    stored = json.loads(text)
    kind = schedules.KINDS[stored.pop("type")]
    forms = {member.field: member.form for member in kind.members()}
    return kind(**{name: forms[name].value_of(value) for name, value in stored.items()})
