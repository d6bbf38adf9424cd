"""Indexes of due runs that are held, and of those that have begun before, for figures; on SQLite (see 0049)."""

from __future__ import annotations

from typing import Any

import peewee

STATEMENTS = (
    """
    CREATE INDEX runs_held ON runs (held_by, queue, due_at) WHERE status = 'queued' AND held_by IS NOT NULL
    """,
    """
    CREATE INDEX runs_begun_before ON runs (started_at)
        WHERE status IN ('queued', 'retrying') AND started_at IS NOT NULL
    """,
)


def up(_migrator: Any, database: Any) -> None:
    """Add the indexes. On PostgreSQL a coordinator, or `carillon migrate`, builds them while others write."""
    for statement in STATEMENTS if isinstance(database, peewee.SqliteDatabase) else ():
        database.execute_sql(statement)
