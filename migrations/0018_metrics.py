"""Metrics: the ends of attempts tell the app, the task type and the beginning (see `migrations.functions`)."""

from __future__ import annotations

from typing import Any

from migrations import functions


def up(_migrator: Any, database: Any) -> None:
    """Make the function that locks what has ended, with what the metrics ask for."""
    functions.make(database, "lock_ended_v2", settings=functions.ON_LARGE_TABLES)
