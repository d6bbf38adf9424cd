"""What known callers have left of their requests: a bucket for each, which all web processes take from."""

from __future__ import annotations

from typing import Any

import peewee

# What is left of requests is worth no write-ahead log: after a crash, every bucket is full.
POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ", "float": "DOUBLE PRECISION", "unlogged": "UNLOGGED"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT", "float": "REAL", "unlogged": ""}

STATEMENTS = (
    """
    CREATE {unlogged} TABLE request_buckets (
        caller_id {uuid} NOT NULL PRIMARY KEY,
        left_over {float} NOT NULL,
        taken_at {instant} NOT NULL
    )
    """,
)


def up(_migrator: Any, database: Any) -> None:
    """Add the table."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
