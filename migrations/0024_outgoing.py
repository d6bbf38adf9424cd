"""From which addresses the e-mails of an app may come, besides EMAIL_FROM."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID"}
SQLITE = {"uuid": "TEXT"}

STATEMENTS = (
    """
    CREATE TABLE app_senders (
        app_id {uuid} NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
        sender TEXT NOT NULL,
        PRIMARY KEY (app_id, sender)
    )
    """,
)


def up(_migrator: Any, database: Any) -> None:
    """Add the table."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
