"""What pages show besides: calls of attempts, lines that receivers log, saved views; users who may not log in."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

STATEMENTS = (
    """
    CREATE TABLE calls (
        run_id {uuid} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        call TEXT NOT NULL,
        PRIMARY KEY (run_id, number)
    )
    """,
    """
    CREATE TABLE run_lines (
        run_id {uuid} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        logged_at {instant} NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (run_id, number)
    )
    """,
    # Of a user or a key; the owner of views of who has no account is the id of zeros.
    """
    CREATE TABLE saved_views (
        id {uuid} NOT NULL PRIMARY KEY,
        owner_id {uuid} NOT NULL,
        list TEXT NOT NULL CHECK (list IN ('jobs', 'runs')),
        name TEXT NOT NULL,
        query TEXT NOT NULL,
        created_at {instant} NOT NULL,
        UNIQUE (owner_id, list, name)
    )
    """,
    # Without a default, so that no row is rewritten.
    "ALTER TABLE users ADD COLUMN disabled_at {instant}",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the tables and the column."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
