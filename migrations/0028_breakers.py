"""Breakers of destinations: which hosts are left alone when an app calls them, and which apps want that."""

from __future__ import annotations

from typing import Any

import peewee

from migrations import functions

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ", "float": "DOUBLE PRECISION"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT", "float": "REAL"}

STATEMENTS = (
    """
    CREATE TABLE breakers (
        key TEXT NOT NULL PRIMARY KEY,
        app_id {uuid} NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
        host TEXT NOT NULL,
        places INTEGER NOT NULL CHECK (places >= 0),
        wait_seconds {float} NOT NULL CHECK (wait_seconds > 0),
        probe_at {instant} NOT NULL,
        opened_at {instant} NOT NULL
    )
    """,
    "CREATE INDEX breakers_of_app ON breakers (app_id)",
    "ALTER TABLE apps ADD COLUMN destination_breaker BOOLEAN",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the table, the column and the functions; SQLite has its statements in the models."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
    functions.make(database, "candidates_v3", "limited_v3", settings=functions.ON_LARGE_TABLES)
