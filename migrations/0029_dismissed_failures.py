"""Failures that somebody has looked at: they are shown among the failures no more."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

STATEMENTS = (
    """
    CREATE TABLE dismissed_failures (
        run_id {uuid} NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
        dismissed_at {instant} NOT NULL,
        dismissed_by TEXT NOT NULL
    )
    """,
)


def up(_migrator: Any, database: Any) -> None:
    """Add the table."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
