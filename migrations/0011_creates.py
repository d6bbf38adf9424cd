"""Creates: one function that stores what is created at one moment. See 0010_hot_paths on how such functions change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peewee

FUNCTION = Path(__file__).parent / "functions" / "create_v1.sql"

# What it reads of tables is looked up by key: no plan depends on how much is in them.
SETTINGS = "SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan"


def up(_migrator: Any, database: Any) -> None:
    """Make the function in the schema that the tables are in; SQLite has its statements in the models."""
    if isinstance(database, peewee.SqliteDatabase):
        return
    (schema,) = database.execute_sql(
        "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'jobs'::regclass"
    ).fetchone()
    text = FUNCTION.read_text(encoding="utf-8")
    database.execute_sql(text.replace("{settings}", SETTINGS.format(schema=schema)))
