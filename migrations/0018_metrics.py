"""Metrics: the ends of attempts tell the app, the task type and the beginning. See 0010_hot_paths on such functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peewee

FUNCTION = Path(__file__).parent / "functions" / "lock_ended_v2.sql"

# As in 0010_hot_paths: a plan that was made with few rows must still be right with a million.
SETTINGS = """
    SET search_path = {schema}, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
"""


def up(_migrator: Any, database: Any) -> None:
    """Make the function in the schema that the tables are in; SQLite has its statement in the models."""
    if isinstance(database, peewee.SqliteDatabase):
        return
    (schema,) = database.execute_sql(
        "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'runs'::regclass"
    ).fetchone()
    text = FUNCTION.read_text(encoding="utf-8")
    database.execute_sql(text.replace("{settings}", SETTINGS.format(schema=schema)))
