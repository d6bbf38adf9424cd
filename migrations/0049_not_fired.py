"""The index of what was skipped or missed, for the overview; on SQLite, since PostgreSQL's is built beside the work."""

from __future__ import annotations

from typing import Any

import peewee

STATEMENT = "CREATE INDEX runs_not_fired ON runs (finished_at, id) WHERE status IN ('skipped', 'missed')"


def up(_migrator: Any, database: Any) -> None:
    """Add the index. On PostgreSQL a coordinator, or `carillon migrate`, builds it while others write."""
    for statement in (STATEMENT,) if isinstance(database, peewee.SqliteDatabase) else ():
        database.execute_sql(statement)
