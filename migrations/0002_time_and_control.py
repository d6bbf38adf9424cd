"""Time in full, and control: policies, deadlines, ageing, edits, pauses, repeats, idempotency keys, figures by minute.

Runs against a database in use: on PostgreSQL every column comes with a constant default, so no table is rewritten, and
checks are added unproven and then proven, which locks nobody out. SQLite cannot change a check, so there `runs` and
`attempts` are copied.
"""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ", "float": "DOUBLE PRECISION", "flag": "BOOLEAN", "no": "FALSE"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT", "float": "REAL", "flag": "INTEGER", "no": "0"}

# `rate_limit` is for the limits to come: so SQLite, which cannot change a check, need not copy all runs for it again.
HOLDS = "held_by IN ('paused', 'overlap', 'rate_limit')"

JOBS = (
    "ALTER TABLE apps ADD COLUMN paused_at {instant}",
    "ALTER TABLE jobs ADD COLUMN name TEXT",
    """
    ALTER TABLE jobs ADD COLUMN catch_up TEXT NOT NULL DEFAULT 'latest'
        CHECK (catch_up IN ('latest', 'skip', 'all'))
    """,
    """
    ALTER TABLE jobs ADD COLUMN catch_up_window_seconds {float} NOT NULL DEFAULT 86400
        CHECK (catch_up_window_seconds >= 0)
    """,
    """
    ALTER TABLE jobs ADD COLUMN overlap TEXT NOT NULL DEFAULT 'skip'
        CHECK (overlap IN ('skip', 'allow', 'queue_one', 'cancel_previous'))
    """,
    "ALTER TABLE jobs ADD COLUMN deadline_at {instant}",
    "ALTER TABLE jobs ADD COLUMN deadline_seconds {float} CHECK (deadline_seconds > 0)",
    "ALTER TABLE jobs ADD COLUMN expire {flag} NOT NULL DEFAULT {no}",
    "ALTER TABLE jobs ADD COLUMN deleted_at {instant}",
    # When a job that had ended was last set going again: polling gives up counted from then.
    "ALTER TABLE jobs ADD COLUMN reopened_at {instant}",
    # A name means one job of its app, until that is deleted.
    "CREATE UNIQUE INDEX jobs_name_once ON jobs (app_id, name) WHERE name IS NOT NULL AND deleted_at IS NULL",
    """
    CREATE TABLE job_tags (
        job_id {uuid} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        tag TEXT NOT NULL,
        PRIMARY KEY (job_id, tag)
    )
    """,
    # GET /api/jobs of one tag, newest first.
    "CREATE INDEX job_tags_by_tag ON job_tags (tag, job_id)",
    # What a job was before each edit: a run that has begun keeps the version it began with.
    """
    CREATE TABLE job_versions (
        job_id {uuid} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        version INTEGER NOT NULL CHECK (version >= 1),
        definition TEXT NOT NULL,
        replaced_at {instant} NOT NULL,
        PRIMARY KEY (job_id, version)
    )
    """,
    # Prune: versions that were replaced long ago.
    "CREATE INDEX job_versions_by_age ON job_versions (replaced_at)",
    # The states a polling job went through, the newest few of them.
    """
    CREATE TABLE polling_states (
        job_id {uuid} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        version INTEGER NOT NULL CHECK (version >= 0),
        state TEXT NOT NULL,
        created_at {instant} NOT NULL,
        PRIMARY KEY (job_id, version)
    )
    """,
    # What holds for all apps at once: one row.
    """
    CREATE TABLE installation (
        id SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
        paused_at {instant},
        timezone_data TEXT
    )
    """,
    "INSERT INTO installation (id) VALUES (1)",
    # Answers given under an Idempotency-Key; the fingerprint is that of the request.
    """
    CREATE TABLE idempotency_keys (
        scope TEXT NOT NULL,
        key TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        answer TEXT,
        created_at {instant} NOT NULL,
        PRIMARY KEY (scope, key)
    )
    """,
    # Prune: keys that are older than they are kept.
    "CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)",
    # One row for each minute that has passed.
    """
    CREATE TABLE minutes (
        minute {instant} NOT NULL PRIMARY KEY,
        started INTEGER NOT NULL,
        completed INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        waiting INTEGER NOT NULL,
        lateness_p95_seconds {float}
    )
    """,
)

RUN_COLUMNS = (
    ("retry_of", "{uuid}"),
    ("data", "TEXT"),
    ("expire", "{flag} NOT NULL DEFAULT {no}"),
    ("deadline_missed_at", "{instant}"),
    ("aged_at", "{instant}"),
)

RUNS_ON_POSTGRESQL = (
    *(f"ALTER TABLE runs ADD COLUMN {name} {kind}" for name, kind in RUN_COLUMNS),
    "ALTER TABLE runs DROP CONSTRAINT runs_held_by_check",
    f"ALTER TABLE runs ADD CONSTRAINT runs_held_by_check CHECK ({HOLDS}) NOT VALID",
    "ALTER TABLE runs VALIDATE CONSTRAINT runs_held_by_check",
    "ALTER TABLE runs DROP CONSTRAINT runs_once_each",
)

RUN_INDEXES = (
    # An occurrence, a poll or a backfilled instant has one run; a trigger or a retry is each a wish of its own.
    """
    CREATE UNIQUE INDEX runs_once_each ON runs (job_id, trigger, scheduled_for)
        WHERE trigger IN ('schedule', 'poll', 'backfill')
    """,
    # A run has one retry at a time that is not over.
    """
    CREATE UNIQUE INDEX runs_retried_once_at_a_time ON runs (retry_of)
        WHERE retry_of IS NOT NULL AND finished_at IS NULL
    """,
    # Which runs were repeated before: by backfills, and by replays of many.
    "CREATE INDEX runs_repeats ON runs (retry_of) WHERE retry_of IS NOT NULL",
    # Ageing: who has waited long enough to rise.
    "CREATE INDEX runs_to_age ON runs (aged_at) WHERE status = 'queued' AND priority < 9",
    # Turns: which jobs have a run that waits for another to end.
    "CREATE INDEX runs_waiting_for_turn ON runs (job_id) WHERE held_by = 'overlap'",
    # Deadlines: which pass next.
    """
    CREATE INDEX runs_with_deadline ON runs (deadline_at)
        WHERE deadline_at IS NOT NULL AND deadline_missed_at IS NULL AND finished_at IS NULL
    """,
    "UPDATE runs SET aged_at = due_at WHERE status IN ('pending', 'queued', 'running', 'retrying')",
)


def up(_migrator: Any, database: Any) -> None:
    """Bring the tables of the core to what policies, edits and control need."""
    on_sqlite = isinstance(database, peewee.SqliteDatabase)
    types = SQLITE if on_sqlite else POSTGRESQL
    if on_sqlite:
        _rebuild_runs(database)
    statements = (*JOBS, *(() if on_sqlite else RUNS_ON_POSTGRESQL), *RUN_INDEXES)
    for statement in statements:
        database.execute_sql(statement.format(**types))


def _rebuild_runs(database: Any) -> None:
    """Copy `runs` and `attempts` into tables with the new columns and checks; their indexes are made again."""
    indexes = [sql for _, _, sql in _schema(database, "index")]
    tables = {name: sql for name, _, sql in _schema(database, "table")}
    new_columns = ", ".join(f"{name} {kind}".format(**SQLITE) for name, kind in RUN_COLUMNS)
    runs = _replaced(tables["runs"], "CREATE TABLE runs", "CREATE TABLE new_runs")
    runs = _replaced(runs, "held_by IN ('paused')", HOLDS)
    runs = _replaced(runs, "CONSTRAINT runs_once_each UNIQUE (job_id, trigger, scheduled_for),", "")
    runs = _replaced(runs, "CONSTRAINT runs_running_is_leased", f"{new_columns}, CONSTRAINT runs_running_is_leased")
    attempts = _replaced(tables["attempts"], "CREATE TABLE attempts", "CREATE TABLE new_attempts")
    attempts = _replaced(attempts, "REFERENCES runs (id)", "REFERENCES new_runs (id)")
    database.execute_sql(runs)
    database.execute_sql(attempts)
    for table in ("runs", "attempts"):
        columns = ", ".join(row[1] for row in database.execute_sql(f"PRAGMA table_info({table})").fetchall())
        database.execute_sql(f"INSERT INTO new_{table} ({columns}) SELECT {columns} FROM {table}")  # noqa: S608  names
    # In this order: to drop `runs` first would delete the attempts at them.
    for table in ("attempts", "runs"):
        database.execute_sql(f"DROP TABLE {table}")
    for table in ("runs", "attempts"):
        database.execute_sql(f"ALTER TABLE new_{table} RENAME TO {table}")
    for sql in indexes:
        database.execute_sql(sql)


def _schema(database: Any, kind: str) -> list[tuple[str, str, str]]:
    """Name, table and statement of what stands in the schema of `runs` and `attempts`."""
    query = (
        "SELECT name, tbl_name, sql FROM sqlite_master "
        "WHERE type = ? AND tbl_name IN ('runs', 'attempts') AND sql IS NOT NULL"
    )
    rows: list[tuple[str, str, str]] = database.execute_sql(query, (kind,)).fetchall()
    return rows


def _replaced(sql: str, old: str, new: str) -> str:
    if old not in sql:
        raise RuntimeError(f"The schema is not the one that migration 0001 made: {old!r} is not in it.")
    return sql.replace(old, new)
