"""Who created a job, and who replaced each of its versions, and why."""

from __future__ import annotations

from typing import Any

from migrations import functions

STATEMENTS = (
    "ALTER TABLE jobs ADD COLUMN created_by TEXT",
    "ALTER TABLE job_versions ADD COLUMN replaced_by TEXT",
    "ALTER TABLE job_versions ADD COLUMN reason TEXT",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the columns, and the function that stores them and the limit_key; of what was before, nobody is known."""
    for statement in STATEMENTS:
        database.execute_sql(statement)
    functions.make(database, "create_v2", settings=functions.BY_KEYS)
