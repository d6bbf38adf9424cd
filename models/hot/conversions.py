"""Turn the columns of a row into the members of a named tuple, whose fields stand in the order of the columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from models.fields import read_json
from models.hot.rows import Row

Convert = Callable[[Any], Any]
Conversions = Sequence[tuple[int, Convert]]
"""The columns that are converted, by place."""


def unchanged(value: Any) -> Any:
    """Returns the value of a column that its driver has converted already."""
    return value


def of_columns(names: Sequence[str], by_name: Mapping[str, Convert]) -> Conversions:
    """Returns the conversions of these columns by their places. Raises `ValueError` for a column that is not there."""
    return [(names.index(name), convert) for name, convert in by_name.items() if convert is not unchanged]


def as_json(*names: str) -> dict[str, Convert]:
    """Returns the conversions of columns that hold JSON as text."""
    return {name: partial(read_json, column=name.rpartition(".")[2]) for name in names}


def converted(row: Row, conversions: Conversions) -> list[Any]:
    """Returns the columns of a row, converted; NULL stays None."""
    values = list(row)
    for place, convert in conversions:
        if (value := values[place]) is not None:
            values[place] = convert(value)
    return values
