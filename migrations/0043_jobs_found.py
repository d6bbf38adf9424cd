"""Indexes by which jobs that are in alert, and jobs that are paused, are found without reading all jobs."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    """
    CREATE INDEX jobs_in_alert ON jobs (failures_in_row DESC, id)
        WHERE failures_in_row >= 5 OR late_since IS NOT NULL
    """,
    "CREATE INDEX jobs_paused ON jobs (id) WHERE state = 'paused'",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the indexes; jobs are few compared with their runs, so they are built at once."""
    for statement in STATEMENTS:
        database.execute_sql(statement)
