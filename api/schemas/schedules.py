"""Schedules as callers write them: a model for each kind, made from what `core.schedules` declares."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    create_model,
    model_validator,
)

from api.schemas.values import INSTANT_SCHEMA, Given, Instant, Zone, instant
from core import schedules
from core.schedules import members
from core.schedules.members import Form, Member

_LITERAL: Any = Literal


class WrittenSchedule(Given):
    """The base of all kinds as callers write them; each can be turned into a schedule of the core."""

    type: str

    def parsed(self) -> schedules.Schedule:
        """Returns the core's schedule."""
        return _kind_of(self).of_members(self.__dict__)

    @property
    def runs_once(self) -> bool:
        """Whether the schedule names one instant."""
        return _kind_of(self).nature is schedules.Nature.ONE_SHOT

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if fault := _kind_of(self).fault_of(self.__dict__):
            raise ValueError(fault)
        return self


def _kind_of(schedule: WrittenSchedule) -> type[schedules.Schedule]:
    return schedules.KINDS[schedule.type]


def _model(kind: type[schedules.Schedule]) -> type[WrittenSchedule]:
    fields: dict[str, Any] = {one.name: _field(one) for one in kind.members() if one.writable}
    return create_model(
        f"{kind.__name__}Schedule",
        __base__=WrittenSchedule,
        __doc__=inspect.getdoc(kind),
        type=(_LITERAL[kind.kind], ...),
        **fields,
    )


def _field(member: Member) -> tuple[Any, Any]:
    """Returns a member as a pydantic field: its type and its default."""
    written = _type(member.form)
    if member.check is not None:
        written = Annotated[written, AfterValidator(_checked_by(member.check))]
    if member.is_required:
        return written, ...
    return (written | None if member.default is None else written), member.default


def _type(form: Form) -> Any:
    match form:
        case members.Number():
            bounds = {"ge": form.at_least, "gt": form.more_than, "le": form.at_most}
            given: Any = {name: bound for name, bound in bounds.items() if bound is not None}
            return (
                Annotated[int, Field(**given)] if form.whole else Annotated[float, Field(**given, allow_inf_nan=False)]
            )
        case members.Instant():
            return InstantInZone
        case members.Zone():
            return Zone
        case members.Text():
            return Annotated[str, Field(examples=[form.example])]
        case members.Choice():
            return _LITERAL[tuple(word.value for word in form.words)]


def _checked_by(check: members.Check) -> Callable[[Any, ValidationInfo], Any]:
    def checked(value: Any, info: ValidationInfo) -> Any:
        if fault := check(value, info.data):
            raise ValueError(fault)
        return value

    return checked


def _instant_in_zone(value: Any, info: ValidationInfo) -> datetime:
    """Read a time as local in the field `timezone`, which is parsed before this one."""
    return instant(value, info.data.get("timezone") or "UTC")


InstantInZone = Annotated[datetime, PlainValidator(_instant_in_zone), WithJsonSchema(INSTANT_SCHEMA)]

if TYPE_CHECKING:
    GivenSchedule = WrittenSchedule
else:
    GivenSchedule = Annotated[reduce(or_, map(_model, schedules.KINDS.values())), Field(discriminator="type")]


class Preview(Given):
    """A schedule to preview: its next instants after `after`, by default now."""

    schedule: GivenSchedule
    after: Instant | None = None
    count: Annotated[int, Field(ge=1, le=100)] = 5
