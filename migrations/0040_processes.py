"""Workers that are to take no more runs; the processes that execute none, in which version, when each was seen."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

STATEMENTS = (
    # Without a default, so that no row is rewritten.
    "ALTER TABLE workers ADD COLUMN draining_at {instant}",
    """
    CREATE TABLE processes (
        id {uuid} NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('web', 'coordinator', 'periodic', 'embedded')),
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        version TEXT NOT NULL,
        started_at {instant} NOT NULL,
        seen_at {instant} NOT NULL,
        stopped_at {instant}
    )
    """,
)


def up(_migrator: Any, database: Any) -> None:
    """Add the column and the table.

    A worker of the former release does not look whether it is to take no more runs, and goes on; other processes of it
    are not shown.
    """
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
