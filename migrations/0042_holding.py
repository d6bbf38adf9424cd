"""While all is being held after a restore, no run is claimed: since when it is being held, on the installation.

Processes of the former release claim nothing then, either, on PostgreSQL.
"""

from __future__ import annotations

from typing import Any

import peewee

from migrations import functions


def up(_migrator: Any, database: Any) -> None:
    """Add the column (null: nothing is being held), and the function by which all claims pick their runs."""
    instant = "TEXT" if isinstance(database, peewee.SqliteDatabase) else "TIMESTAMPTZ"
    database.execute_sql(f"ALTER TABLE installation ADD COLUMN holding_since {instant}")
    functions.make(database, "pick_v2_unless_holding", settings=functions.ON_LARGE_TABLES)
