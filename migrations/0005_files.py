"""Uploads: which file belongs to which job, on which host it waits, and under which name it is stored."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

STATEMENTS = (
    """
    CREATE TABLE uploads (
        id {uuid} NOT NULL PRIMARY KEY,
        job_id {uuid} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        file_name TEXT NOT NULL,
        size BIGINT NOT NULL CHECK (size >= 0),
        -- Where the web process is reached that has the file in its spool.
        host_url TEXT NOT NULL,
        object_name TEXT NOT NULL,
        -- Of the token by which a worker may fetch it: never the token itself.
        fetch_hash TEXT,
        stored_at {instant},
        created_at {instant} NOT NULL
    )
    """,
    # A job has one file, and no two have one object.
    "CREATE UNIQUE INDEX uploads_of_job ON uploads (job_id)",
    "CREATE UNIQUE INDEX uploads_object_once ON uploads (object_name)",
)


def up(_migrator: Any, database: Any) -> None:
    """Make the table of uploads."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
