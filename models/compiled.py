"""Queries built once for each shape and kept as text; later calls only fill in values.

Building the query of a list in peewee takes longer than PostgreSQL takes to answer it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import peewee

from core.filters import JobFilter, RunFilter
from core.listing import Mark, Stretch
from core.principals import VisibleJobs
from models import database
from models.fields import sqlite_text

Filter = TypeVar("Filter", JobFilter, RunFilter)
MAX_SHAPES = 500

# Members of a filter whose values may change without changing the query; all others are part of its shape.
_FILLED_IN = frozenset({
    "account_id", "task_type", "schedule_kind", "tag", "job_id", "retry_of", "held_key", "created_from",
    "created_before", "due_from", "due_before", "scheduled_from", "scheduled_before", "finished_from",
    "finished_before",
})  # fmt: skip
_MEMBERS: Mapping[type[Any], Sequence[str]] = {
    kind: tuple(one.name for one in fields(kind) if one.name in _FILLED_IN) for kind in (JobFilter, RunFilter)
}


@dataclass(frozen=True, slots=True)
class Placeholder:
    """The place of a value that is given when the query is executed, perhaps derived from a given value."""

    name: str
    made: Callable[[Any], Any] | None = None

    def filled(self, values: Mapping[str, Any]) -> Any:
        """Returns the value for this place, given the values by name."""
        value = values[self.name]
        return _stored(value if self.made is None else self.made(value))


@dataclass(frozen=True)
class Compiled:
    """A query as text, with the values that are always the same and the placeholders of the others."""

    text: str
    parameters: Sequence[Any]

    @classmethod
    def of(cls, query: Any) -> Compiled:
        """Returns a query, built with `placeholder` where values are missing, as text."""
        text, parameters = query.sql()
        return cls(text, tuple(parameters))

    def rows(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """Execute with these values for the placeholders. Returns the rows as tuples."""
        given = [one.filled(values) if isinstance(one, Placeholder) else one for one in self.parameters]
        return database.rows(self.text, given)


def placeholder(name: str) -> Any:
    """Returns the place for a value, as a part of a query; the value is stored as its type is."""
    return peewee.Value(Placeholder(name), converter=False)


def derived(value: Any, made: Callable[[Any], Any]) -> Any:
    """Returns a value derived from a value; for a placeholder, a placeholder for the derived value."""
    if isinstance(value, peewee.Value):
        return peewee.Value(replace(value.value, made=made), converter=False)
    return made(value)


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a list to read: a number of rows, after a mark or after `offset` rows."""

    most: Any
    after: Mark | None
    offset: Any

    @classmethod
    def of(cls, stretch: Stretch) -> Part:
        """Returns the part that covers a stretch, and one row more if more follow."""
        return cls(stretch.limit + 1, stretch.after, stretch.offset or None)


Shape = tuple[Any, Part]
"""A list's filter and part, with placeholders where values are."""


class Asked(NamedTuple):
    """The query of a list: its shape, and the values for the placeholders in it."""

    shape: Shape
    values: Mapping[str, Any]


def asked(wanted: Filter, stretch: Stretch) -> Asked | None:
    """Returns the query of a list; None if it depends on more than its shape."""
    reads_first = (getattr(wanted, name, None) for name in ("search", "paused", "metadata"))  # more than a shape
    if wanted.ids is not None or any(one is not None for one in reads_first):
        return None
    values: dict[str, Any] = {}
    named: dict[str, Any] = {}
    for name in _MEMBERS[type(wanted)]:
        values[name] = getattr(wanted, name)
        named[name] = None if values[name] is None else Placeholder(name)
    seen = _visible(wanted.visible, values)
    shape: Any = replace(wanted, **named, visible=seen)
    return Asked((shape, _part(stretch, values)), values)


def _visible(seen: VisibleJobs | None, values: dict[str, Any]) -> Any:
    """Returns what a caller may see with placeholders for values; several apps stay part of the shape."""
    if seen is None:
        return None
    values.update(seen_owner=seen.owner_id, seen_account=seen.account_id)
    apps: Any = tuple(sorted(seen.app_ids))
    if len(apps) == 1:
        values["seen_app"] = apps[0]
        apps = (Placeholder("seen_app"),)
    owner: Any = None if seen.owner_id is None else Placeholder("seen_owner")
    account: Any = None if seen.account_id is None else Placeholder("seen_account")
    return VisibleJobs(owner, apps, account)


def _part(stretch: Stretch, values: dict[str, Any]) -> Part:
    part = Part.of(stretch)
    values.update(most=part.most, offset=part.offset)
    after: Any = part.after
    if after is not None:
        values.update(after_id=after.id, after_value=after.value)
        after = Mark(Placeholder("after_id"), None if after.value is None else Placeholder("after_value"))  # type: ignore[arg-type]
    return Part(Placeholder("most"), after, None if part.offset is None else Placeholder("offset"))


def with_placeholders(shape: Any) -> Any:
    """Returns a shape, or a part of one, with its placeholders as parts of a query."""
    if isinstance(shape, Placeholder):
        return placeholder(shape.name)
    if isinstance(shape, JobFilter | RunFilter | VisibleJobs | Part | Mark):
        return replace(shape, **{one.name: with_placeholders(getattr(shape, one.name)) for one in fields(shape)})
    return list(map(with_placeholders, shape)) if isinstance(shape, tuple) else shape


def _stored(value: Any) -> Any:
    """Returns a value as the database has it."""
    match value:
        case UUID():
            return value.hex
        case datetime() if database.is_sqlite():
            return sqlite_text(value)
        case _:
            return value
