"""Creates: one function that stores what is created at one moment (see `migrations.functions`)."""

from __future__ import annotations

from typing import Any

from migrations import functions


def up(_migrator: Any, database: Any) -> None:
    """Make the function that stores new jobs."""
    functions.make(database, "create_v1", settings=functions.BY_KEYS)
