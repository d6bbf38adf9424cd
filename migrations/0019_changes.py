"""Changes: a row for each transaction that changed jobs, runs or apps, so that those who watch need not read them all.

Its number is that of the transaction on PostgreSQL, and that of the row on SQLite, which has one writer.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import peewee

POSTGRESQL = {
    # Not unique: rows that came with a dump have numbers that transactions here get later.
    "number": "BIGINT NOT NULL DEFAULT pg_current_xact_id()::TEXT::BIGINT",
    "ids": "BYTEA",
    "written": "TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()",
}
SQLITE = {
    "number": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",  # gives no number twice
    "ids": "BLOB",
    "written": "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
}

STATEMENTS = (
    """
    CREATE TABLE changes (
        number {number},
        -- Ids of 16 bytes each, one after the other.
        jobs {ids} NOT NULL,
        runs {ids} NOT NULL,
        apps {ids} NOT NULL,
        written_at {written}
    )
    """,
    "CREATE INDEX changes_number ON changes (number)",
    # Tells the cursors of one installation from those of another.
    "ALTER TABLE installation ADD COLUMN epoch TEXT NOT NULL DEFAULT ''",
)


def up(_migrator: Any, database: Any) -> None:
    """Make the table, and give the installation its epoch."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
    database.execute_sql(f"UPDATE installation SET epoch = '{uuid4().hex[:12]}'")  # noqa: S608  of our own making
