"""Failures: runs that failed for good, newest first, without reading all that ended beside them."""

from __future__ import annotations

from typing import Any

STATEMENTS = ("CREATE INDEX runs_failed ON runs (finished_at, id) WHERE status = 'failed'",)


def up(_migrator: Any, database: Any) -> None:
    """Add the index by which failures are found."""
    for statement in STATEMENTS:
        database.execute_sql(statement)
