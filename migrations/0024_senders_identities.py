"""From which addresses the e-mails of an app may come, besides EMAIL_FROM; who users are at an identity provider."""

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
    """
    CREATE TABLE user_identities (
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        PRIMARY KEY (issuer, subject)
    )
    """,
    "CREATE INDEX user_identities_of_user ON user_identities (user_id)",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the tables."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
