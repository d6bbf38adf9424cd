"""Periods of one length, numbered by the database, by which rows are grouped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import peewee

from models.database import is_sqlite

_1970 = datetime.fromtimestamp(0, UTC)


def number(instant: Any, seconds: int, start: datetime = _1970) -> Any:
    """Returns the number of the period that an instant is in; periods have the given seconds and begin at `start`."""
    first = int(start.timestamp())
    if is_sqlite():
        return (peewee.fn.STRFTIME("%s", instant).cast("INTEGER") - first) / seconds
    return peewee.fn.FLOOR((peewee.fn.DATE_PART("epoch", instant) - first) / seconds)
