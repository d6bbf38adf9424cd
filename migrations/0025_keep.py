"""Keep: how long the history of a job is kept, where the job has a rule of its own."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"float": "DOUBLE PRECISION"}
SQLITE = {"float": "REAL"}

# Without a default and without a check of rows that are there, so that no table is read or rewritten.
STATEMENTS = (
    "ALTER TABLE jobs ADD COLUMN keep_days {float}",
    "ALTER TABLE jobs ADD COLUMN keep_last INTEGER",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the rule, which no job has yet."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
