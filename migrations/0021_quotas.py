"""Quotas of apps: how much of an installation one app may take; and keys of limits that jobs have of their own."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "float": "DOUBLE PRECISION", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "float": "REAL", "instant": "TEXT"}

STATEMENTS = (
    """
    CREATE TABLE app_quotas (
        app_id {uuid} NOT NULL PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
        jobs INTEGER CHECK (jobs >= 0),
        waiting_runs INTEGER CHECK (waiting_runs >= 0),
        shortest_interval_seconds {float} CHECK (shortest_interval_seconds > 0),
        payload_bytes INTEGER CHECK (payload_bytes >= 0),
        updated_at {instant} NOT NULL
    )
    """,
    # What the key is filled from, in place of the task type's.
    "ALTER TABLE jobs ADD COLUMN limit_key TEXT",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the table and the column; the function that stores it is made by 0023_authors."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
