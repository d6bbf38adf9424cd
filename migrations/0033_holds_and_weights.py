"""The history of holds: what kept each run from the claim, and when. And which weights administrators have put."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

STATEMENTS = (
    # One for each time that a run was held. `until` is null while it lasts; `holders` are ids of runs, as JSON.
    """
    CREATE TABLE run_holds (
        run_id {uuid} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        held_by TEXT NOT NULL,
        key TEXT,
        since {instant} NOT NULL,
        until {instant},
        holders TEXT,
        PRIMARY KEY (run_id, number)
    )
    """,
    # The administrator who put a weight below 1, which is then not for others to change.
    "ALTER TABLE limits ADD COLUMN weight_put_by TEXT",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the table and the column. Since when runs are held that are held now is not known: the table begins empty."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
