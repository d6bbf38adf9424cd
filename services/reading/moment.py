"""One moment: what is put together from several readings does not contradict itself."""

from __future__ import annotations

from contextlib import AbstractContextManager

from models import database


def one_moment() -> AbstractContextManager[None]:
    """Returns a block in which whatever is read is of one moment. Raises `DatabaseUnavailable`."""
    return database.reading()
