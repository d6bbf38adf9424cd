"""Users' own tokens have a name, scopes and an id; links that open something once; administrators beside the setting's.

Statements that touch every row of `tokens` are short: a login's token lasts 30 days, so there are few.
"""

from __future__ import annotations

from typing import Any

import peewee

POSTGRESQL = {
    "uuid": "UUID",
    "instant": "TIMESTAMPTZ",
    "added_id": "UUID",  # with a default it would rewrite the table
    "new_id": "gen_random_uuid()",
    "false": "FALSE",
}
SQLITE = {
    "uuid": "TEXT",
    "instant": "TEXT",
    "added_id": "TEXT NOT NULL DEFAULT ''",
    "new_id": "lower(hex(randomblob(16)))",
    "false": "0",
}

STATEMENTS = (
    "ALTER TABLE users ADD COLUMN is_admin BOOLEAN NOT NULL DEFAULT {false}",
    "ALTER TABLE tokens ADD COLUMN id {added_id}",
    "UPDATE tokens SET id = {new_id}",
    # Of the token of a login, as of a session: none of these three, and every scope.
    "ALTER TABLE tokens ADD COLUMN name TEXT",
    "ALTER TABLE tokens ADD COLUMN prefix TEXT",
    "ALTER TABLE tokens ADD COLUMN scopes TEXT",
    """
    CREATE TABLE links (
        id {uuid} NOT NULL PRIMARY KEY,
        purpose TEXT NOT NULL CHECK (purpose IN ('reset', 'invitation', 'administrator')),
        -- Nobody: who asked to reset the password of an address that no user has.
        user_id {uuid} REFERENCES users (id) ON DELETE CASCADE,
        email TEXT,
        -- None until the link is sent.
        hash TEXT,
        created_by TEXT NOT NULL,
        created_at {instant} NOT NULL,
        expires_at {instant} NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX links_hash_once ON links (hash)",
    "CREATE INDEX links_of_user ON links (user_id)",
    "CREATE INDEX links_to_send ON links (created_at) WHERE hash IS NULL",
    "CREATE INDEX links_expires ON links (expires_at)",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the columns and the table."""
    types = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in STATEMENTS:
        database.execute_sql(statement.format(**types))
    if types is POSTGRESQL:  # the default is for processes of the former release, which go on meanwhile
        database.execute_sql("ALTER TABLE tokens ALTER COLUMN id SET DEFAULT gen_random_uuid()")
        database.execute_sql("ALTER TABLE tokens ALTER COLUMN id SET NOT NULL")
