"""Hot paths: functions for what each run costs (see `migrations.functions`)."""

from __future__ import annotations

from typing import Any

from migrations import functions


def up(_migrator: Any, database: Any) -> None:
    """Make the functions that claim runs and record their ends."""
    names = ("pick_v1", "permits_v1", "start_v1", "lock_ended_v1", "end_v1")
    functions.make(database, *names, settings=functions.ON_LARGE_TABLES)
