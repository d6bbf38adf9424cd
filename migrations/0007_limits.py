"""Limits: which calls count for an account's rate, and which accounts have runs that wait for a permit."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"instant": "TIMESTAMPTZ", "float": "DOUBLE PRECISION"}
SQLITE = {"instant": "TEXT", "float": "REAL"}

STATEMENTS = (
    # Whose permit an attempt takes; null where it takes none.
    "ALTER TABLE attempts ADD COLUMN account_id TEXT",
    # How many permits of an account are taken: by calls that last, and by those that ended a short while ago.
    "CREATE INDEX attempts_counted ON attempts (account_id, finished_at) WHERE account_id IS NOT NULL",
    # When a run was last held for want of a permit, and for how long that seemed to be.
    "ALTER TABLE runs ADD COLUMN rate_limited_at {instant}",
    "ALTER TABLE runs ADD COLUMN rate_wait_seconds {float}",
    # Runs that wait for a permit, and those that were given one and have not begun: both keep `held_until`.
    """
    CREATE INDEX runs_rate_limited ON runs
        (account_id, held_by, priority DESC, (deadline_at IS NULL), deadline_at, due_at, id)
        WHERE status = 'queued' AND held_until IS NOT NULL
    """,
    # The accounts that have runs which wait for a permit, and when one is free at the earliest: one row each.
    "CREATE TABLE rate_limited_accounts (account_id TEXT NOT NULL PRIMARY KEY, until {instant} NOT NULL)",
    "CREATE INDEX rate_limited_accounts_next ON rate_limited_accounts (until)",
)


def up(_migrator: Any, database: Any) -> None:
    """Add what the limits need."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
