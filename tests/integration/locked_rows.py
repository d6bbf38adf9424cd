"""A row that another session has locked, as a process does that was stopped in the midst of a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from uuid import UUID

import psycopg2


@contextmanager
def locked(url: str, table: str, *ids: UUID, strength: str = "FOR NO KEY UPDATE") -> Iterator[Callable[[], None]]:
    """Lock rows of a table. Yields a function that lets them go; at the end they are let go anyway."""
    with closing(psycopg2.connect(url)) as session:
        with session.cursor() as cursor:
            text = f"SELECT 1 FROM {table} WHERE id = ANY (%s::UUID[]) {strength}"  # noqa: S608  a test's own
            cursor.execute(text, ([*map(str, ids)],))
            assert len(cursor.fetchall()) == len(ids)
        yield session.rollback
        session.rollback()  # the server has let go when this returns, not yet when the connection is closed
