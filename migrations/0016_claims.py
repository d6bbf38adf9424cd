"""Claims: one function that picks and starts runs where no limit is on (see `migrations.functions`)."""

from __future__ import annotations

from typing import Any

from migrations import functions


def up(_migrator: Any, database: Any) -> None:
    """Make the function, which calls two of former migrations."""
    functions.make(database, "claim_v1", settings=functions.CALLING_OTHERS)
