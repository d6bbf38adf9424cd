"""Quotas of apps: how much of an installation one app may take; and keys of limits that jobs have of their own.

See 0010_hot_paths on how the functions of the database change.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "float": "DOUBLE PRECISION", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "float": "REAL", "instant": "TEXT"}

# It also stores what 0023_authors adds: a function's columns are looked up when it is called.
FUNCTION = Path(__file__).parent / "functions" / "create_v3.sql"

# What it reads of tables is looked up by key: no plan depends on how much is in them.
SETTINGS = "SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan"

STATEMENTS = (
    """
    CREATE TABLE app_quotas (
        app_id {uuid} NOT NULL PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
        jobs INTEGER CHECK (jobs >= 0),
        waiting_runs INTEGER CHECK (waiting_runs >= 0),
        shortest_interval_seconds {float} CHECK (shortest_interval_seconds > 0),
        payload_bytes INTEGER CHECK (payload_bytes >= 0),
        updated_at {instant} NOT NULL
    )
    """,
    # What the key is filled from, in place of the task type's.
    "ALTER TABLE jobs ADD COLUMN limit_key TEXT",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the table, the column, and the function that stores it; SQLite has its statement in the models."""
    on_sqlite = isinstance(database, peewee.SqliteDatabase)
    types = SQLITE if on_sqlite else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
    if not on_sqlite:
        _make_function(database)


def _make_function(database: Any) -> None:
    (schema,) = database.execute_sql(
        "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'jobs'::regclass"
    ).fetchone()
    text = FUNCTION.read_text(encoding="utf-8")
    database.execute_sql(text.replace("{settings}", SETTINGS.format(schema=schema)))
