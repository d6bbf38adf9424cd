"""Requests an app describes, results of runs, and reports: a run may wait for its receiver to say how it went."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"instant": "TIMESTAMPTZ"}
SQLITE = {"instant": "TEXT"}

STATEMENTS = (
    # How a kind of task of an app is called, where that is not the callback of old.
    "ALTER TABLE app_task_types ADD COLUMN request TEXT",
    # What a run that completed has to show for it, as JSON.
    "ALTER TABLE runs ADD COLUMN result TEXT",
    # Until when at the latest a running run waits for reports; null while a worker is at it.
    "ALTER TABLE runs ADD COLUMN reports_until {instant}",
    # The lease that a heartbeat asked for while the worker was still waiting for the receiver's 202.
    "ALTER TABLE runs ADD COLUMN report_lease_at {instant}",
    # The SHA-256 of the token that makes reports about this attempt valid.
    "ALTER TABLE attempts ADD COLUMN token_hash TEXT",
    # The polling state's version that this attempt was made from.
    "ALTER TABLE attempts ADD COLUMN polling_version INTEGER",
    # The fingerprint of the report that ended this attempt: the same again gets the same answer.
    "ALTER TABLE attempts ADD COLUMN report TEXT",
)


def up(_migrator: Any, database: Any) -> None:
    """Add what requests, results and reports need."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
