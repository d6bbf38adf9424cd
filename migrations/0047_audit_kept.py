"""Entries of the audit log are not deleted: the database itself refuses it, as it refuses to change them."""

from __future__ import annotations

from typing import Any

import peewee

SQLITE = """
    CREATE TRIGGER audit_kept BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'rows of audit are never deleted'); END
"""
POSTGRESQL = (
    """
    CREATE FUNCTION carillon_refuse_deletion() RETURNS TRIGGER LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'rows of audit are never deleted' USING ERRCODE = 'check_violation'; END $$
    """,
    """
    CREATE TRIGGER audit_kept BEFORE DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION carillon_refuse_deletion()
    """,
)


def up(_migrator: Any, database: Any) -> None:
    """Add the triggers. Whoever owns the database can drop `audit_kept`, and with it delete entries of former years."""
    statements = (SQLITE,) if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in statements:
        database.execute_sql(statement)
