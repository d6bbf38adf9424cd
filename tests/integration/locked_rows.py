"""A row that another session has locked, as a process does that was stopped in the midst of a transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any
from uuid import UUID

import psycopg2

_SOMEBODY_WAITS = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)))"


@contextmanager
def locked(url: str, table: str, *ids: UUID, strength: str = "FOR NO KEY UPDATE") -> Iterator[Callable[[], None]]:
    """Lock rows of a table. Yields a function that lets them go; at the end they are let go anyway."""
    with closing(psycopg2.connect(url)) as session:
        with session.cursor() as cursor:
            _lock(cursor, table, *ids, strength=strength)
        yield session.rollback
        session.rollback()  # the server has let go when this returns, not yet when the connection is closed


@contextmanager
def locked_until_waited_for(url: str, table: str, *ids: UUID) -> Iterator[None]:
    """Lock rows of a table until another session waits for them, as one that is there again and again does."""
    is_over = threading.Event()

    def let_go_once_waited_for() -> None:
        is_waited_for = False
        while not is_waited_for and not is_over.wait(0.005):
            cursor.execute(_SOMEBODY_WAITS)
            [is_waited_for] = cursor.fetchone() or [False]
        session.rollback()

    with closing(psycopg2.connect(url)) as session, session.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        _lock(cursor, table, *ids)
        watching = pool.submit(let_go_once_waited_for)
        try:
            yield
        finally:
            is_over.set()
        watching.result()


def _lock(cursor: Any, table: str, *ids: UUID, strength: str = "FOR NO KEY UPDATE") -> None:
    text = f"SELECT 1 FROM {table} WHERE id = ANY (%s::UUID[]) {strength}"  # noqa: S608  a test's own
    cursor.execute(text, ([*map(str, ids)],))
    assert len(cursor.fetchall()) == len(ids)
