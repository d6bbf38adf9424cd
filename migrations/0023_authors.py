"""Who created a job, and who replaced each of its versions, and why.

See 0010_hot_paths on how the functions of the database change.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peewee

FUNCTION = Path(__file__).parent / "functions" / "create_v2.sql"

STATEMENTS = (
    "ALTER TABLE jobs ADD COLUMN created_by TEXT",
    "ALTER TABLE job_versions ADD COLUMN replaced_by TEXT",
    "ALTER TABLE job_versions ADD COLUMN reason TEXT",
)

# What it reads of tables is looked up by key: no plan depends on how much is in them.
SETTINGS = "SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan"


def up(_migrator: Any, database: Any) -> None:
    """Add the columns; of what was before, nobody is known."""
    for statement in STATEMENTS:
        database.execute_sql(statement)
    if not isinstance(database, peewee.SqliteDatabase):
        _make_function(database)


def _make_function(database: Any) -> None:
    (schema,) = database.execute_sql(
        "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'jobs'::regclass"
    ).fetchone()
    text = FUNCTION.read_text(encoding="utf-8")
    database.execute_sql(text.replace("{settings}", SETTINGS.format(schema=schema)))
