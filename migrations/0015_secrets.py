"""Secrets of apps, sealed; and which app a started run is of, whose secrets its request is signed with."""

from __future__ import annotations

from typing import Any

import peewee

from migrations import functions

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

STATEMENTS = (
    """
    CREATE TABLE signing_secrets (
        id {uuid} NOT NULL PRIMARY KEY,
        app_id {uuid} NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
        sealed TEXT NOT NULL,
        hint TEXT NOT NULL,
        created_at {instant} NOT NULL
    )
    """,
    # An app's newest secrets.
    "CREATE INDEX signing_secrets_of_app ON signing_secrets (app_id, created_at)",
    """
    CREATE TABLE app_secrets (
        app_id {uuid} NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        sealed TEXT NOT NULL,
        created_at {instant} NOT NULL,
        updated_at {instant} NOT NULL,
        PRIMARY KEY (app_id, name)
    )
    """,
)


def up(_migrator: Any, database: Any) -> None:
    """Make room for secrets; no key is needed, for apps get their first one when it is first used."""
    on_sqlite = isinstance(database, peewee.SqliteDatabase)
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**(SQLITE if on_sqlite else POSTGRESQL)))
    functions.make(database, "start_v2", settings=functions.ON_LARGE_TABLES)
