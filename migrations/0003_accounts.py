"""Accounts: users with their tokens and sessions, whose job is whose, and what is kept with a job for its owner."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ", "float": "DOUBLE PRECISION"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT", "float": "REAL"}

STATEMENTS = (
    """
    CREATE TABLE users (
        id {uuid} NOT NULL PRIMARY KEY,
        username TEXT NOT NULL,
        email TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        created_at {instant} NOT NULL
    )
    """,
    # A name and an address mean one user, however they are capitalised.
    "CREATE UNIQUE INDEX users_username_once ON users (LOWER(username))",
    "CREATE UNIQUE INDEX users_email_once ON users (LOWER(email))",
    # Tokens and sessions: only their hashes, so that a dump of the database opens nothing.
    """
    CREATE TABLE tokens (
        hash TEXT NOT NULL PRIMARY KEY,
        user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('token', 'session')),
        created_at {instant} NOT NULL,
        used_at {instant} NOT NULL,
        expires_at {instant} NOT NULL
    )
    """,
    # A login removes what has expired of its user.
    "CREATE INDEX tokens_of_user ON tokens (user_id, expires_at)",
    "ALTER TABLE jobs ADD COLUMN owner_id {uuid} REFERENCES users (id)",
    "ALTER TABLE jobs ADD COLUMN title TEXT",
    "ALTER TABLE jobs ADD COLUMN metadata TEXT",
    "ALTER TABLE jobs ADD COLUMN retry_backoff_max {float} CHECK (retry_backoff_max > 0)",
    # A user's own jobs, newest first.
    "CREATE INDEX jobs_of_owner ON jobs (owner_id, id) WHERE owner_id IS NOT NULL",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the tables of accounts, and the columns of jobs that go with them."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
