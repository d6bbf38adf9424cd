"""Whether a job's metadata has a member, for lists of jobs: a function of PostgreSQL, which reads no table."""

from __future__ import annotations

from typing import Any

from migrations import functions


def up(_migrator: Any, database: Any) -> None:
    """Make the function; SQLite has its own."""
    functions.make(database, "json_contains_v1", settings=functions.CALLING_OTHERS)
