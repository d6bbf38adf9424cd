"""E-mail and alerts: what became of each message of a run, failures in a row, and what owners are to be told."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

STATEMENTS = (
    "ALTER TABLE jobs ADD COLUMN failures_in_row INTEGER NOT NULL DEFAULT 0 CHECK (failures_in_row >= 0)",
    # Since when a job does not run when it should; null once it has run in time again.
    "ALTER TABLE jobs ADD COLUMN late_since {instant}",
    # What became of each of a run's e-mails, where there are several: the next attempt sends only the others.
    """
    CREATE TABLE deliveries (
        run_id {uuid} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        position INTEGER NOT NULL CHECK (position >= 0),
        recipient TEXT NOT NULL,
        refusal TEXT,
        settled_at {instant} NOT NULL,
        PRIMARY KEY (run_id, position)
    )
    """,
    """
    CREATE TABLE alerts (
        id {uuid} NOT NULL PRIMARY KEY,
        job_id {uuid} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('failing', 'late')),
        failures INTEGER NOT NULL DEFAULT 0,
        words TEXT,
        created_at {instant} NOT NULL,
        taken_until {instant},
        told_at {instant}
    )
    """,
    # What is still to be told, in order.
    "CREATE INDEX alerts_to_tell ON alerts (created_at) WHERE told_at IS NULL",
    # With a job go its alerts; and prune: which were told long ago.
    "CREATE INDEX alerts_of_job ON alerts (job_id)",
    "CREATE INDEX alerts_told ON alerts (told_at) WHERE told_at IS NOT NULL",
)


def up(_migrator: Any, database: Any) -> None:
    """Make room for deliveries and alerts."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
