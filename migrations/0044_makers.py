"""Who made a link to another's password or a key of an app; names of jobs are each owner's own in shared apps.

PostgreSQL exchanges the index of names beside the work (`migrations/large_indexes.py`); until then a name in a shared
app is refused if another user's job has it.
"""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID"}
SQLITE = {"uuid": "TEXT"}

STATEMENTS = (
    # Of links made before, and by processes of the former release, it is unknown: they open for half an hour at most.
    "ALTER TABLE links ADD COLUMN maker_id {uuid} REFERENCES users (id) ON DELETE CASCADE",
    "CREATE INDEX links_of_maker ON links (maker_id) WHERE maker_id IS NOT NULL",
    # Of keys made before, and by the former release, it is unknown: they count for themselves and for their app.
    "ALTER TABLE app_keys ADD COLUMN maker_id {uuid}",
)
NAMES = (
    """
    CREATE UNIQUE INDEX jobs_name_once_of_owner ON jobs (app_id, name_key, COALESCE(owner_id, ''))
        WHERE name_key IS NOT NULL AND deleted_at IS NULL
    """,
    "DROP INDEX jobs_name_once",
)
"""For SQLite."""


def up(_migrator: Any, database: Any) -> None:
    """Add the columns; there are few links and keys."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in (*STATEMENTS, *(NAMES if types is SQLITE else ())):
        database.execute_sql(statement.format(**types))
