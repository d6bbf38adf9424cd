"""Which user made an app, so that the apps of one user can be counted."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID"}
SQLITE = {"uuid": "TEXT"}

STATEMENTS = (
    # Of apps made before, and by processes of the former release, it is unknown: they count for nobody.
    "ALTER TABLE apps ADD COLUMN maker_id {uuid}",
    "CREATE INDEX apps_of_maker ON apps (maker_id) WHERE maker_id IS NOT NULL",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the column and its index; there are few apps."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
