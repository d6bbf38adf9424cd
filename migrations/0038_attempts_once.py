"""Attempts are stored once, when they end; until then the run keeps what is known of the current attempt.

Replace web processes and coordinators before workers: until then, former web processes refuse reports about runs that
a new worker has claimed, and a former process that cancels a run waiting for its report does not store its attempt. All
else goes on: attempts that former workers stored at their claim are completed at their end, and the function that
former processes call at an end stores the attempts of new workers.
"""

from __future__ import annotations

from typing import Any

import peewee

from migrations import functions

# A later migration that changes a column of either table drops this view first, and creates it again.
STATEMENTS = (
    "ALTER TABLE runs ADD COLUMN claimed_at {instant}",
    "ALTER TABLE runs ADD COLUMN claimed_token_hash TEXT",
    "ALTER TABLE runs ADD COLUMN claimed_polling_version INTEGER",
    """
    CREATE VIEW all_attempts AS
    SELECT run_id, number, fence, worker_id, started_at, finished_at, outcome, error_type, error_message, status_code,
        answer, token_hash, polling_version, report
    FROM attempts
    UNION ALL
    SELECT id, attempt_count, fence, worker_id, claimed_at, NULL, NULL, NULL, NULL, NULL,
        NULL, claimed_token_hash, claimed_polling_version, NULL
    FROM runs WHERE status = 'running' AND claimed_at IS NOT NULL
    """,
)


def up(_migrator: Any, database: Any) -> None:
    """Add the columns, the view of all attempts, and the functions; SQLite has its statements in the models."""
    instant = "TEXT" if isinstance(database, peewee.SqliteDatabase) else "TIMESTAMPTZ"
    for statement in STATEMENTS:
        database.execute_sql(statement.format(instant=instant))
    names = ("start_v5", "lock_ended_v3", "end_v3", "end_v2_by_v3")
    functions.make(database, *names, settings=functions.ON_LARGE_TABLES)
    functions.make(database, "claim_v5", settings=functions.CALLING_OTHERS)
