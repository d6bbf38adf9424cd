"""Limits by key: what they are on, which calls use them, and which runs they hold. Rates are by app and account now.

Workers and coordinators of the former release must be stopped first: they count calls by accounts alone, in columns
and a table that are no longer read.
"""

from __future__ import annotations

from typing import Any

import peewee

from migrations import functions

HOLDS = "held_by IN ('paused', 'overlap', 'rate_limit', 'concurrency', 'destination')"

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ", "now": "NOW()", "since": "NOW() - INTERVAL '1 hour'"}
SQLITE = {
    "uuid": "TEXT",
    "instant": "TEXT",
    "now": "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')",
    "since": "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-1 hour')",
}

STATEMENTS = (
    """
    CREATE TABLE limits (
        key TEXT NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('installation', 'app', 'account', 'host', 'job', 'key')),
        app_id {uuid} REFERENCES apps (id) ON DELETE CASCADE,
        job_id {uuid} REFERENCES jobs (id) ON DELETE CASCADE,
        concurrency INTEGER CHECK (concurrency > 0),
        calls INTEGER CHECK (calls > 0),
        per_seconds INTEGER CHECK (per_seconds > 0),
        expires_at {instant},
        created_at {instant} NOT NULL,
        updated_at {instant} NOT NULL,
        CONSTRAINT limits_limit_something CHECK (concurrency IS NOT NULL OR calls IS NOT NULL),
        CONSTRAINT limits_rate_is_whole CHECK ((calls IS NULL) = (per_seconds IS NULL))
    )
    """,
    "CREATE INDEX limits_of_app ON limits (app_id) WHERE app_id IS NOT NULL",
    "CREATE INDEX limits_of_job ON limits (job_id) WHERE job_id IS NOT NULL",
    # Whether any host, or any key of data, is limited: only then are they looked up.
    "CREATE INDEX limits_of_kind ON limits (kind)",
    # A call of a run under a limited key; `ended_at` is null while it lasts.
    "CREATE TABLE uses (key TEXT NOT NULL, run_id {uuid} NOT NULL, fence BIGINT NOT NULL, ended_at {instant})",
    "CREATE INDEX uses_of_key ON uses (key, ended_at)",
    "CREATE UNIQUE INDEX uses_once_at_a_time ON uses (run_id, key) WHERE ended_at IS NULL",
    # The keys that hold runs, and when to look for room: one row each.
    """
    CREATE TABLE held_keys (
        key TEXT NOT NULL PRIMARY KEY,
        app_id {uuid} REFERENCES apps (id) ON DELETE CASCADE,
        held_by TEXT NOT NULL,
        until {instant} NOT NULL
    )
    """,
    "CREATE INDEX held_keys_of_app ON held_keys (app_id) WHERE app_id IS NOT NULL",
    "CREATE INDEX held_keys_next ON held_keys (until)",
    "ALTER TABLE runs ADD COLUMN held_key TEXT",
    "ALTER TABLE app_task_types ADD COLUMN limit_key TEXT",
    # What is held, and what was released and has not begun, goes on under the key of its app's account.
    """
    UPDATE runs SET held_key = (
        SELECT 'account:' || a.name || '/' || runs.account_id FROM jobs j JOIN apps a ON a.id = j.app_id
        WHERE j.id = runs.job_id)
    WHERE status = 'queued' AND held_until IS NOT NULL
    """,
    "DROP INDEX runs_rate_limited",
    """
    CREATE INDEX runs_held_by_key ON runs
        (held_key, held_by, priority DESC, (deadline_at IS NULL), deadline_at, due_at, id)
        WHERE status = 'queued' AND held_key IS NOT NULL
    """,
    """
    INSERT INTO held_keys (key, app_id, held_by, until)
        SELECT DISTINCT r.held_key, j.app_id, 'rate_limit', {now} FROM runs r JOIN jobs j ON j.id = r.job_id
        WHERE r.status = 'queued' AND r.held_by = 'rate_limit'
    """,
    """
    INSERT INTO uses (key, run_id, fence, ended_at)
        SELECT 'account:' || a.name || '/' || t.account_id, t.run_id, t.fence, t.finished_at
        FROM attempts t JOIN runs r ON r.id = t.run_id JOIN jobs j ON j.id = r.job_id JOIN apps a ON a.id = j.app_id
        WHERE t.account_id IS NOT NULL AND (t.finished_at IS NULL OR t.finished_at > {since})
    """,
    "DROP INDEX attempts_counted",
    "DROP TABLE rate_limited_accounts",
)
CHECK_ON_POSTGRESQL = (
    "ALTER TABLE runs DROP CONSTRAINT runs_held_by_check",
    f"ALTER TABLE runs ADD CONSTRAINT runs_held_by_check CHECK ({HOLDS}) NOT VALID",
    "ALTER TABLE runs VALIDATE CONSTRAINT runs_held_by_check",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the tables, give what is held its key, and make the functions; SQLite has its statements in the models."""
    on_sqlite = isinstance(database, peewee.SqliteDatabase)
    types = SQLITE if on_sqlite else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
    if on_sqlite:
        _allow_holds(database)
        return
    for statement in CHECK_ON_POSTGRESQL:
        database.execute_sql(statement)
    names = ("candidates_v1", "limited_v1", "start_v3", "end_v2")
    functions.make(database, *names, settings=functions.ON_LARGE_TABLES)
    functions.make(database, "claim_v2", settings=functions.CALLING_OTHERS)
    # Of workers and coordinators alone, which are stopped.
    functions.drop(database, "claim_v1", "start_v1", "start_v2", "permits_v1", "lock_ended_v1")


def _allow_holds(database: Any) -> None:
    """Write the new names into the stored check, as SQLite's manual has it: no row of `runs` is read or copied."""
    (sql,) = database.execute_sql("SELECT sql FROM sqlite_master WHERE name = 'runs'").fetchone()
    former = "held_by IN ('paused', 'overlap', 'rate_limit')"
    if former not in sql:
        raise RuntimeError(f"The schema is not the one that migration 0002 made: {former!r} is not in it.")
    (version,) = database.execute_sql("PRAGMA schema_version").fetchone()
    database.execute_sql("PRAGMA writable_schema = ON")
    database.execute_sql("UPDATE sqlite_master SET sql = ? WHERE name = 'runs'", (sql.replace(former, HOLDS),))
    database.execute_sql(f"PRAGMA schema_version = {version + 1}")
    database.execute_sql("PRAGMA writable_schema = OFF")
