"""Restores: what tells that the database was taken back, which apps that holds, and the hold of their runs."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import peewee

HOLD = "restored"

POSTGRESQL = {"instant": "TIMESTAMPTZ"}
SQLITE = {"instant": "TEXT"}

STATEMENTS = (
    # Tells installations apart that share a folder, or a server.
    "ALTER TABLE installation ADD COLUMN identity TEXT NOT NULL DEFAULT ''",
    # A number that only grows, kept outside the database as well; and the database that it was last counted in.
    "ALTER TABLE installation ADD COLUMN mark BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE installation ADD COLUMN marked_at {instant}",
    "ALTER TABLE installation ADD COLUMN home TEXT",
    # When it was found that the database was taken back, and to which instant.
    "ALTER TABLE installation ADD COLUMN restored_at {instant}",
    "ALTER TABLE installation ADD COLUMN restored_to {instant}",
    # Since when the app's runs are held for that.
    "ALTER TABLE apps ADD COLUMN restored_at {instant}",
)
_NAMES = re.compile(r"'(\w+)'")
_CHECK = re.compile(r"held_by IN \(([^)]*)\)")


def up(_migrator: Any, database: Any) -> None:
    """Add the columns, and allow the hold."""
    on_sqlite = isinstance(database, peewee.SqliteDatabase)
    types = SQLITE if on_sqlite else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
    database.execute_sql(f"UPDATE installation SET identity = '{uuid4().hex}'")  # noqa: S608  of our own making
    (_allow_on_sqlite if on_sqlite else _allow_on_postgresql)(database)


def _allow_on_postgresql(database: Any) -> None:
    """Replace the check by a wider one. Rows that passed the other pass it, so none is looked at: the lock is short."""
    (former,) = database.execute_sql(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = 'runs'::regclass AND conname = 'runs_held_by_check'"
    ).fetchone()
    database.execute_sql("ALTER TABLE runs DROP CONSTRAINT runs_held_by_check")
    check = f"CHECK (held_by IN ({_with_hold(former)}))"
    database.execute_sql(f"ALTER TABLE runs ADD CONSTRAINT runs_held_by_check {check} NOT VALID")


def _allow_on_sqlite(database: Any) -> None:
    """Write the new name into the stored check, as SQLite's manual has it: no row of `runs` is read or copied."""
    (sql,) = database.execute_sql("SELECT sql FROM sqlite_master WHERE name = 'runs'").fetchone()
    found = _CHECK.search(sql)
    if found is None:
        raise RuntimeError("The schema is not the one that migration 0020 made: `runs` has no check of `held_by`.")
    wider = sql.replace(found[0], f"held_by IN ({_with_hold(found[1])})")
    (version,) = database.execute_sql("PRAGMA schema_version").fetchone()
    database.execute_sql("PRAGMA writable_schema = ON")
    database.execute_sql("UPDATE sqlite_master SET sql = ? WHERE name = 'runs'", (wider,))
    database.execute_sql(f"PRAGMA schema_version = {version + 1}")
    database.execute_sql("PRAGMA writable_schema = OFF")


def _with_hold(former: str) -> str:
    """Returns the names that a check allows, and the new one."""
    return ", ".join(f"'{name}'" for name in dict.fromkeys([*_NAMES.findall(former), HOLD]))
