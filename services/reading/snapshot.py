"""One snapshot, so that the results of several queries are consistent with each other."""

from __future__ import annotations

from contextlib import AbstractContextManager

from models import database


def one_moment() -> AbstractContextManager[None]:
    """Returns a block in which all reads see the same snapshot. Raises `DatabaseUnavailable`."""
    return database.reading()
