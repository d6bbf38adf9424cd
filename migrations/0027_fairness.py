"""Fairness: to which party a run belongs, which is claimed in turn with others, and weights of parties.

It reads `runs` twice to build indexes, while nothing else can. Runs that are stored already have no party, and count as
one together. Workers of the former release go on, but read a
long queue slowly; web processes and coordinators of the former release add runs without a party.
"""

from __future__ import annotations

from typing import Any

import peewee

from migrations import functions

STATEMENTS = (
    "ALTER TABLE runs ADD COLUMN party TEXT {by_bytes} NOT NULL DEFAULT ''",
    "DROP INDEX runs_to_claim",
    # Claim: the parties of a priority, and of each the most urgent run that is due and not held.
    """
    CREATE INDEX runs_to_claim ON runs
        (queue, priority DESC, party, (deadline_at IS NULL), deadline_at, due_at, id)
        WHERE status = 'queued' AND held_by IS NULL
    """,
    # Claim: how many runs of a party workers have; what waits for a report takes no thread.
    "CREATE INDEX runs_in_flight ON runs (party) WHERE status = 'running' AND reports_until IS NULL",
)
LIMITS_SOMETHING = "concurrency IS NOT NULL OR calls IS NOT NULL OR weight IS NOT NULL"
WEIGHT = "CHECK (weight >= 0.01 AND weight <= 100)"
WEIGHTS_ON_POSTGRESQL = (
    f"ALTER TABLE limits ADD COLUMN weight DOUBLE PRECISION {WEIGHT}",
    "ALTER TABLE limits DROP CONSTRAINT limits_limit_something",
    f"ALTER TABLE limits ADD CONSTRAINT limits_limit_something CHECK ({LIMITS_SOMETHING})",
)
# SQLite changes no constraint, so the table is written anew: there are few limits.
WEIGHTS_ON_SQLITE = (
    "ALTER TABLE limits RENAME TO former_limits",
    f"""
    CREATE TABLE limits (
        key TEXT NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('installation', 'app', 'account', 'host', 'job', 'key')),
        app_id TEXT REFERENCES apps (id) ON DELETE CASCADE,
        job_id TEXT REFERENCES jobs (id) ON DELETE CASCADE,
        concurrency INTEGER CHECK (concurrency > 0),
        calls INTEGER CHECK (calls > 0),
        per_seconds INTEGER CHECK (per_seconds > 0),
        expires_at TEXT,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        weight REAL {WEIGHT},
        CONSTRAINT limits_limit_something CHECK ({LIMITS_SOMETHING}),
        CONSTRAINT limits_rate_is_whole CHECK ((calls IS NULL) = (per_seconds IS NULL))
    )
    """,
    "INSERT INTO limits SELECT *, NULL FROM former_limits",
    "DROP TABLE former_limits",
    "CREATE INDEX limits_of_app ON limits (app_id) WHERE app_id IS NOT NULL",
    "CREATE INDEX limits_of_job ON limits (job_id) WHERE job_id IS NOT NULL",
    "CREATE INDEX limits_of_kind ON limits (kind)",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the columns, order the queue by party, and make the functions; SQLite has its statements in the models."""
    on_sqlite = isinstance(database, peewee.SqliteDatabase)
    by_bytes = "" if on_sqlite else 'COLLATE "C"'
    if not on_sqlite:
        database.execute_sql("LOCK TABLE limits, runs")  # in the order of claims, which then wait for both
    for statement in (*STATEMENTS, *(WEIGHTS_ON_SQLITE if on_sqlite else WEIGHTS_ON_POSTGRESQL)):
        database.execute_sql(statement.format(by_bytes=by_bytes))
    functions.make(database, "shares_v1", "pick_shared_v1", "pick_v2", settings=functions.ON_LARGE_TABLES)
    functions.make(database, "create_v3", settings=functions.BY_KEYS)
    functions.make(database, "claim_v3", settings=functions.CALLING_OTHERS)
