"""Keys of apps: only their hashes, so that a dump of the database opens nothing."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

STATEMENTS = (
    """
    CREATE TABLE app_keys (
        id {uuid} NOT NULL PRIMARY KEY,
        app_id {uuid} NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        prefix TEXT NOT NULL,
        hash TEXT NOT NULL,
        scopes TEXT NOT NULL,
        account_id TEXT,
        created_by TEXT NOT NULL,
        created_at {instant} NOT NULL,
        expires_at {instant},
        used_at {instant}
    )
    """,
    # A request shows the key whose hash this is.
    "CREATE UNIQUE INDEX app_keys_hash_once ON app_keys (hash)",
    "CREATE INDEX app_keys_of_app ON app_keys (app_id, id)",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the table of keys."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
