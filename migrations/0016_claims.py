"""Claims: one function that picks and starts runs where no limit is on. See 0010_hot_paths on how functions change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peewee

FUNCTION = Path(__file__).parent / "functions" / "claim_v1.sql"

# It only calls two functions of former migrations, which say how they are planned.
SETTINGS = "SET search_path = {schema}, pg_temp"


def up(_migrator: Any, database: Any) -> None:
    """Make the function in the schema that the tables are in; SQLite has its statements in the models."""
    if isinstance(database, peewee.SqliteDatabase):
        return
    (schema,) = database.execute_sql(
        "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'runs'::regclass"
    ).fetchone()
    text = FUNCTION.read_text(encoding="utf-8")
    database.execute_sql(text.replace("{settings}", SETTINGS.format(schema=schema)))
