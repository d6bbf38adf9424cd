"""PostgreSQL vacuums jobs and runs after a number of changes, however many rows are kept.

Each run leaves dead entries in the small indexes of what is due and queued, and every claim passes over those that no
vacuum has removed. By default a vacuum begins when a fifth of all rows have changed: with ten million runs kept, after
a million runs. It then leaves the indexes as they are if dead rows are in few of the table's pages.
"""

from __future__ import annotations

from typing import Any

import peewee

CHANGES = 40_000
_OPTIONS = f"autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = {CHANGES}, vacuum_index_cleanup = on"


def up(_migrator: Any, database: Any) -> None:
    """Set the options of both tables, which delays neither readers nor writers; SQLite needs no vacuum for this."""
    for table in () if isinstance(database, peewee.SqliteDatabase) else ("jobs", "runs"):
        database.execute_sql(f"ALTER TABLE {table} SET ({_OPTIONS})")
