"""Locks of other sessions: wait for them only briefly, or pass over the rows that are to be deleted."""

from __future__ import annotations

from typing import Any

from models.database import is_sqlite
from models.tables import db

_BRIEFLY = "SET LOCAL lock_timeout = '50ms'"


def free_to_delete(query: Any) -> Any:
    """Lock those of the rows a SELECT finds that nobody else has locked, not even to refer to them, until they go."""
    return query if is_sqlite() else query.for_update("FOR UPDATE SKIP LOCKED")


def wait_briefly() -> None:
    """Wait in the open transaction no longer than a moment for each lock; then it raises `LockTimeout`."""
    if not is_sqlite():
        db.execute_sql(_BRIEFLY)
