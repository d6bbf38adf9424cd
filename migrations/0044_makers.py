"""Who made a link to another's password, so that it ends with their rights."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID"}
SQLITE = {"uuid": "TEXT"}

STATEMENTS = (
    # Of links made before, and by processes of the former release, it is unknown: they open for half an hour at most.
    "ALTER TABLE links ADD COLUMN maker_id {uuid} REFERENCES users (id) ON DELETE CASCADE",
    "CREATE INDEX links_of_maker ON links (maker_id) WHERE maker_id IS NOT NULL",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the column; there are few links."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
