"""Traces: which trace the request that created a job, or made a run, belongs to."""

from __future__ import annotations

from typing import Any

from migrations import functions

STATEMENTS = (
    "ALTER TABLE jobs ADD COLUMN trace TEXT",
    "ALTER TABLE runs ADD COLUMN trace TEXT",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the columns, and make the functions that write and read them; SQLite has its statements in the models."""
    for statement in STATEMENTS:
        database.execute_sql(statement)
    functions.make(database, "start_v4", settings=functions.ON_LARGE_TABLES)
    functions.make(database, "claim_v4", settings=functions.CALLING_OTHERS)
    functions.make(database, "create_v4", settings=functions.BY_KEYS)
