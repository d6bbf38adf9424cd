"""Pauses that end by themselves: of which job, app or everything, and at which instant.

A table of its own: few jobs are paused, and hardly any statement has to look here.

The former release does not know the table. What it resumes beside the new one keeps its row: if it then pauses the same
thing again, a coordinator of the new release ends that pause, too, at the former instant. Rows whose instant has passed
are dropped, so this is over once no process of the former release runs and the last `until` of that time has come.
"""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

STATEMENTS = (
    # Of everything, the id is that of zeros. No reference: a row whose job or app is gone is dropped at its instant.
    """
    CREATE TABLE pause_ends (
        id {uuid} NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('job', 'app', 'everything')),
        until {instant} NOT NULL
    )
    """,
    # The coordinator looks for the next one each second.
    "CREATE INDEX pause_ends_by_instant ON pause_ends (until)",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the table. While the former release coordinates, nothing ends by itself."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
