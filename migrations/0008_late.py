"""Late: which runs have been noted as late, and which cannot be, since something held them when they were due."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"instant": "TIMESTAMPTZ"}
SQLITE = {"instant": "TEXT"}

STATEMENTS = (
    # When a run was found late: due for long and not begun, or planned long after its instant.
    "ALTER TABLE runs ADD COLUMN late_at {instant}",
    # A pause, another run of its job or a rate let it wait when it was due, as someone wished.
    "ALTER TABLE runs ADD COLUMN was_held BOOLEAN NOT NULL DEFAULT FALSE",
    # Due runs that nobody has begun and that nothing held, longest due first.
    """
    CREATE INDEX runs_may_be_late ON runs (due_at)
        WHERE status = 'queued' AND held_by IS NULL AND attempt_count = 0 AND late_at IS NULL AND NOT was_held
    """,
    # Whose files wait to be stored.
    "CREATE INDEX uploads_waiting ON uploads (job_id) WHERE stored_at IS NULL",
)


def up(_migrator: Any, database: Any) -> None:
    """Add what tells late runs, and what waits in the spools."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
