"""Figures by minute tell how late half of the runs began and what held those that waited; workers, their version."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"instant": "TIMESTAMPTZ", "double": "DOUBLE PRECISION"}
SQLITE = {"instant": "TEXT", "double": "REAL"}

STATEMENTS = (
    # Without a default, so that no row is rewritten.
    "ALTER TABLE minutes ADD COLUMN lateness_p50_seconds {double}",
    "ALTER TABLE workers ADD COLUMN version TEXT",
    # Of the runs that waited as a minute ended, how many each reason held; a reason that held none has no row.
    """
    CREATE TABLE minute_holds (
        minute {instant} NOT NULL,
        held_by TEXT NOT NULL,
        waiting INTEGER NOT NULL,
        PRIMARY KEY (minute, held_by)
    )
    """,
)


def up(_migrator: Any, database: Any) -> None:
    """Add the columns and the table; of minutes and workers before, none of it is known."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
