"""Links whose e-mail a mailbox defers: from when each is to be sent again."""

from __future__ import annotations

from typing import Any

import peewee


def up(_migrator: Any, database: Any) -> None:
    """Add the column; null: at once. The former release sends without it."""
    instant = "TEXT" if isinstance(database, peewee.SqliteDatabase) else "TIMESTAMPTZ"
    database.execute_sql(f"ALTER TABLE links ADD COLUMN put_off_until {instant}")
