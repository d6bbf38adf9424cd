"""Set-based writes: many rows change in one statement, each as given.

`UPDATE ... FROM (VALUES ...)`, in PostgreSQL and in SQLite from 3.33 on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import peewee

from models.tables import db

Item = TypeVar("Item")
Change = tuple[Any, Mapping[str, Any]]  # the row's key, and its new values by the names of their columns

LOOK = 20_000
"""How many runs are looked for at once: to find some, all that waits is read."""
_CHUNK = 500
_CHANGED = "changed"  # both databases call the columns of VALUES column1, column2, ...


def update(key: peewee.Field, changes: Iterable[Change], condition: Any = None) -> None:
    """Change the rows that have these keys and meet the condition.

    One statement for all rows that change the same columns. Each key may occur only once: of two changes to a row, the
    database picks any. A value may be an expression over the row itself if all rows get the same one.
    """
    by_columns: dict[tuple[str, ...], list[Change]] = {}
    for row_key, change in changes:
        by_columns.setdefault(tuple(sorted(change)), []).append((row_key, change))
    for names, group in by_columns.items():
        for chunk in chunks(group):
            _update(key, names, chunk, condition)


def add(column: peewee.Field, key: peewee.Field, amounts: Mapping[Any, int]) -> None:
    """Add to a column of the rows that have these keys, each its own amount, in one statement."""
    changes = ((row_key, {column.name: amount}) for row_key, amount in amounts.items() if amount)
    for chunk in chunks(changes):
        _update(key, [column.name], chunk, None, lambda field, amount: field + amount)


def _update(
    key: peewee.Field,
    names: Sequence[str],
    chunk: Sequence[Change],
    condition: Any,
    new_value: Callable[[peewee.Field, Any], Any] = lambda _field, value: value,
) -> None:
    """Send values that are the same for all rows once, and the others by row."""
    fields = key.model._meta.fields  # noqa: SLF001  peewee's own way
    first = chunk[0][1]
    varying = [name for name in names if _varies(name, chunk)]
    values: dict[peewee.Field, Any] = {fields[name]: first[name] for name in names if name not in varying}
    values |= {fields[name]: _column(fields[name], number) for number, name in enumerate(varying, start=2)}
    query: Any = key.model.update({field: new_value(field, value) for field, value in values.items()})
    if varying:
        columns = [key, *(fields[name] for name in varying)]
        rows = [(row_key, *(change[name] for name in varying)) for row_key, change in chunk]
        query = query.from_(_values(columns, rows)).where(key == _column(key, 1))
    else:
        query = query.where(key.in_([row_key for row_key, _ in chunk]))
    (query if condition is None else query.where(condition)).execute()


def _varies(name: str, chunk: Sequence[Change]) -> bool:
    first = chunk[0][1][name]
    return not isinstance(first, peewee.Node) and any(change[name] != first for _, change in chunk)


def _values(fields: Sequence[peewee.Field], rows: Iterable[Sequence[Any]]) -> peewee.ValuesList:
    """The rows as a source to update from, each value as its column's field writes it."""
    stored = [[field.to_value(value) for field, value in zip(fields, row, strict=True)] for row in rows]
    return peewee.ValuesList(stored, alias=_CHANGED)


def _column(field: peewee.Field, number: int) -> peewee.SQL:
    """A column of the listed values; PostgreSQL takes a column of texts or NULLs for text, unless told its type."""
    column = f"{_CHANGED}.column{number}"
    if isinstance(db.obj, peewee.SqliteDatabase):
        return peewee.SQL(column)
    return peewee.SQL(f"CAST({column} AS {_type(field)})")


def _type(field: peewee.Field) -> str:
    types: Mapping[str, str] = db.get_context_options()["field_types"]
    return types.get(field.field_type, field.field_type)


def chunks(group: Iterable[Item]) -> Iterator[list[Item]]:
    """Returns the items in lists that a statement can take."""
    rest = iter(group)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
