"""Calls: what attempts sent and what was answered, beside the attempts, so that these stay small."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID"}
SQLITE = {"uuid": "TEXT"}

STATEMENTS = (
    """
    CREATE TABLE calls (
        run_id {uuid} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        call TEXT NOT NULL,
        PRIMARY KEY (run_id, number)
    )
    """,
)


def up(_migrator: Any, database: Any) -> None:
    """Add the table."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
