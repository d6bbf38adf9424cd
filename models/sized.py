"""Selects the newest rows whose total size fits a page."""

from __future__ import annotations

from typing import Any

import peewee

from core.listing import MAX_BYTES_IN_PAGE
from models.database import is_sqlite


def octets(column: Any) -> Any:
    """Returns how many bytes a column's text has; 0 for NULL."""
    length = peewee.fn.LENGTH(column.cast("BLOB")) if is_sqlite() else peewee.fn.OCTET_LENGTH(column)
    return peewee.fn.COALESCE(length, 0)


def oldest_that_fits(query: Any, place: Any, size: Any) -> Any:
    """Returns a query for the place of the oldest of the newest rows that fit on a page; the newest always fits.

    `query` has the condition that selects rows; places grow from old to new.
    """
    total = peewee.fn.SUM(size).over(order_by=[place.desc()])
    sized = query.select(place.alias("place"), size.alias("size"), total.alias("total"))
    fits = (sized.c.total <= MAX_BYTES_IN_PAGE) | (sized.c.total == sized.c.size)
    return query.model.select(peewee.fn.MIN(sized.c.place)).from_(sized).where(fits)
