"""Secrets of apps, sealed; and which app a started run is of, whose secrets its request is signed with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peewee

FUNCTION = Path(__file__).parent / "functions" / "start_v2.sql"

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

STATEMENTS = (
    """
    CREATE TABLE signing_secrets (
        id {uuid} NOT NULL PRIMARY KEY,
        app_id {uuid} NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
        sealed TEXT NOT NULL,
        hint TEXT NOT NULL,
        created_at {instant} NOT NULL
    )
    """,
    # An app's newest secrets.
    "CREATE INDEX signing_secrets_of_app ON signing_secrets (app_id, created_at)",
    """
    CREATE TABLE app_secrets (
        app_id {uuid} NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        sealed TEXT NOT NULL,
        created_at {instant} NOT NULL,
        updated_at {instant} NOT NULL,
        PRIMARY KEY (app_id, name)
    )
    """,
)

# As 0010_hot_paths has them, for the functions that are made anew.
SETTINGS = """
    SET search_path = {schema}, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
"""


def up(_migrator: Any, database: Any) -> None:
    """Make room for secrets; no key is needed, for apps get their first one when it is first used."""
    on_sqlite = isinstance(database, peewee.SqliteDatabase)
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**(SQLITE if on_sqlite else POSTGRESQL)))
    if not on_sqlite:
        _make_function(database)


def _make_function(database: Any) -> None:
    (schema,) = database.execute_sql(
        "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'runs'::regclass"
    ).fetchone()
    text = FUNCTION.read_text(encoding="utf-8")
    database.execute_sql(text.replace("{settings}", SETTINGS.format(schema=schema)))
