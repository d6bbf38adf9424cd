"""Jobs whose occurrences cannot be planned: until when each is left alone, with its watermark where it was."""

from __future__ import annotations

from typing import Any

import peewee


def up(_migrator: Any, database: Any) -> None:
    """Add the column; null: planned as ever. The former release moves the watermark instead, and so goes on to do."""
    instant = "TEXT" if isinstance(database, peewee.SqliteDatabase) else "TIMESTAMPTZ"
    database.execute_sql(f"ALTER TABLE jobs ADD COLUMN put_off_until {instant}")
