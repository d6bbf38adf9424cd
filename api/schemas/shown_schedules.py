"""Schedules as callers get them: in canonical form, instants in UTC; a model for each kind of `core.schedules`."""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, create_model

from api.schemas.values import Shown
from core import schedules
from core.schedules import members
from core.schedules.members import Form, Member

_LITERAL: Any = Literal


class AnyShownSchedule(Shown):
    """The base of all kinds as they are shown."""

    type: str


class PreviewedOccurrence(Shown):
    """One occurrence: its nominal instant, and the latest at which it may be due, by jitter.

    The jitter depends on the job, so each job has its own instant between these two.
    """

    scheduled_for: datetime
    latest_due_at: datetime


class Occurrences(Shown):
    """The next instants a schedule names, the same with what jitter may add, and the schedule in words."""

    next: list[datetime]
    occurrences: list[PreviewedOccurrence]
    description: str


def show(schedule: schedules.Schedule) -> AnyShownSchedule:
    """Returns the canonical form of a schedule."""
    values = {one.name: getattr(schedule, one.field) for one in schedule.members() if one.field}
    return _MODELS[schedule.kind].model_validate(values)


def _model(kind: type[schedules.Schedule]) -> type[AnyShownSchedule]:
    fields: dict[str, Any] = {one.name: (_type(one), ...) for one in kind.members() if one.shown}
    return create_model(
        f"Shown{kind.__name__}", __base__=AnyShownSchedule, type=(_LITERAL[kind.kind], kind.kind), **fields
    )


def _type(member: Member) -> Any:
    plain = _plain(member.form)
    return plain | None if member.default is None else plain


def _plain(form: Form) -> Any:
    match form:
        case members.Number():
            return int if form.whole else float
        case members.Instant():
            return datetime
        case _:
            return str


_MODELS = {name: _model(kind) for name, kind in schedules.KINDS.items()}

if TYPE_CHECKING:
    ShownSchedule = AnyShownSchedule
else:
    ShownSchedule = Annotated[reduce(or_, _MODELS.values()), Field(discriminator="type")]
