"""Somebody else who has locked rows of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2


@contextmanager
def outsider(url: str, statement: str, *parameters: object) -> Iterator[None]:
    """Somebody else's transaction, which holds the locks of a statement until the block ends."""
    with closing(psycopg2.connect(url)) as connection:
        connection.cursor().execute(statement, parameters)
        try:
            yield
        finally:
            connection.rollback()  # answered once the locks are gone, which a close is not
