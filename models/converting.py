"""Convert the values of a database's columns as their fields do, a row at a time and without a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import peewee

Converters = Sequence[Callable[[Any], Any] | None]

_AS_GIVEN = (peewee.TextField, peewee.IntegerField, peewee.SmallIntegerField, peewee.DoubleField)


def of(columns: Iterable[Any]) -> Converters:
    """Returns the converter of each column; None if its values are used as they are."""
    return tuple(None if type(one) in _AS_GIVEN else one.python_value for one in columns)


def values(converters: Converters, row: Sequence[Any]) -> list[Any]:
    """Returns the values of a row, converted where there is a converter."""
    return [
        value if convert is None or value is None else convert(value)
        for convert, value in zip(converters, row, strict=False)
    ]
