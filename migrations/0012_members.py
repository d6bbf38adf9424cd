"""Members: which users may do what in an app."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

STATEMENTS = (
    """
    CREATE TABLE app_members (
        app_id {uuid} NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
        user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'developer', 'owner')),
        created_at {instant} NOT NULL,
        PRIMARY KEY (app_id, user_id)
    )
    """,
    # Each request of a user reads their memberships.
    "CREATE INDEX app_members_of_user ON app_members (user_id)",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the table of members; apps that are there have none, and stay with administrators."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
