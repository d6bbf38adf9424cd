"""Audit: who changed what, with what, from where, and why. Rows are added and never changed."""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {"uuid": "UUID", "instant": "TIMESTAMPTZ"}
SQLITE = {"uuid": "TEXT", "instant": "TEXT"}

# No reference to users, apps or jobs: what was done stays on record when they are gone.
STATEMENTS = (
    """
    CREATE TABLE audit (
        id {uuid} NOT NULL PRIMARY KEY,
        at {instant} NOT NULL,
        kind TEXT NOT NULL,
        principal TEXT NOT NULL,
        caller_id {uuid},
        credential TEXT NOT NULL,
        address TEXT,
        request_id TEXT,
        action TEXT NOT NULL,
        app_id {uuid},
        thing TEXT NOT NULL,
        thing_id TEXT NOT NULL,
        before TEXT,
        after TEXT,
        reason TEXT
    )
    """,
    "CREATE INDEX audit_of_app ON audit (app_id, id)",
    "CREATE INDEX audit_of_thing ON audit (thing_id, id)",
    "CREATE INDEX audit_of_principal ON audit (principal, id)",
    "CREATE INDEX audit_by_time ON audit (at)",
)
UNCHANGED = {
    "sqlite": (
        """
        CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'rows of audit are never changed'); END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION carillon_refuse_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'rows of audit are never changed' USING ERRCODE = 'check_violation'; END $$
        """,
        """
        CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
        FOR EACH ROW EXECUTE FUNCTION carillon_refuse_change()
        """,
    ),
}


def up(_migrator: Any, database: Any) -> None:
    """Add the table, and have the database itself refuse to change its rows."""
    on_sqlite = isinstance(database, peewee.SqliteDatabase)
    types = SQLITE if on_sqlite else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
    for statement in UNCHANGED["sqlite" if on_sqlite else "postgresql"]:
        database.execute_sql(statement)
