"""The addresses from which users have logged in, where guesses from elsewhere lock none of them out, in any process."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

STATEMENT = """
    CREATE TABLE known_addresses (
        user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        address TEXT NOT NULL,
        logged_in_at {instant} NOT NULL,
        PRIMARY KEY (user_id, address)
    )
"""


def up(_migrator: Any, database: Any) -> None:
    """Add the table; an address is known from the next login there on."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    database.execute_sql(STATEMENT.format(**types))
