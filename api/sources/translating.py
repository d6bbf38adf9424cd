"""Shared by the translations: name wrong fields as the caller did, amend definitions, refuse past instants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from api.validation import shown as in_words
from core import schedules
from core.errors import FieldError, InvalidInput
from core.instants import shown
from services.jobs.definition import Definition, NewJob
from services.reading.views import JobHead, JobView
from services.task_types import registry

_SHOWN = {"deadline_at": "deadline"}


@contextmanager
def fields_named(names: Mapping[str, str]) -> Iterator[None]:
    """Name wrong fields by the names that the caller used."""
    try:
        yield
    except InvalidInput as refusal:
        if type(refusal) is not InvalidInput:  # a subclass, whose fields are not members of the body
            raise
        raise InvalidInput(*(FieldError(_renamed(one.field, names), one.message) for one in refusal.fields)) from None


def _renamed(field: str, names: Mapping[str, str]) -> str:
    if field in names:
        return names[field]
    first, dot, rest = field.partition(".")
    return f"{names.get(first, first)}{dot}{rest}"


def amended(view: JobView, shown: NewJob, wanted: NewJob) -> Definition:
    """Returns a job's definition with the differences between `shown` and `wanted` applied.

    `shown` is the request that would produce the job as it is now. What the source has no word for stays unchanged.
    """
    kept = {one.name: getattr(view, _SHOWN.get(one.name, one.name)) for one in fields(Definition)}
    changes = {name: value for name, value in _differing(vars(shown), vars(wanted)).items() if name in kept}
    merged = {name: _merged(kept[name], getattr(shown, name), value) for name, value in changes.items()}
    return Definition(**{**kept, **merged})


def _differing(shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the members that are to change, compared by type, too: 1 is not true."""
    return {name: value for name, value in wanted.items() if name not in shown or repr(shown[name]) != repr(value)}


def _merged(current: Any, shown: Any, wanted: Any) -> Any:
    """Returns a changed member; an object or a schedule is merged member by member, if all three have one type."""
    if not type(current) is type(shown) is type(wanted):
        return wanted
    if isinstance(current, schedules.Schedule):
        return replace(current, **_differing(vars(shown), vars(wanted)))
    if isinstance(current, dict):
        stays = {name: value for name, value in current.items() if name in wanted or name not in shown}
        return stays | _differing(shown, wanted)
    return wanted


def expect_future(field: str, at: datetime | None, now: datetime) -> None:
    """Raise `InvalidInput` for an instant that has passed."""
    if at is not None and at <= now:
        raise InvalidInput.at(field, f"is {shown(at)}, which has passed; give one in the future.")


def expect_known(field: str, task_type: str) -> None:
    """Raise `InvalidInput` for a task type that the server does not perform itself."""
    if registry.find(task_type) is None:
        known = ", ".join(one.key for one in registry.known()) or "none"
        raise InvalidInput.at(field, f"is {in_words(task_type)}, which does not work here; known are: {known}.")


def scheduled_time(view: JobView) -> datetime | None:
    """Returns the only or first instant that a job is scheduled for; None if its schedule names none."""
    match view.schedule:
        case schedules.RunAt():
            return view.schedule.at
        case schedules.DelayFromNow():
            return delay_ends_at(view, view.schedule)
        case schedules.Recurring():
            return view.schedule.starts_at
        case _:
            return None


def delay_ends_at(view: JobHead | JobView, schedule: schedules.DelayFromNow) -> datetime:
    """Returns the instant for which the run of a delay is due: it counts from the job's creation, or its own edit."""
    return view.delayed_until or view.created_at + timedelta(seconds=schedule.duration_seconds)
