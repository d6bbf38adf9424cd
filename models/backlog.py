"""The query for the backlog: runs that are due and have not begun."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import peewee

from core.states import Hold, RunStatus
from models.tables import Run


def due() -> list[tuple[str, Hold | None, int, datetime]]:
    """Returns for each queue and hold how many runs are due and have not begun, and since when the oldest is due."""
    # Exactly the condition of the indexes of due runs.
    is_due = peewee.SQL(f"status = '{RunStatus.QUEUED.value}'")
    oldest = peewee.fn.MIN(Run.due_at)
    found: Any = Run.select(Run.queue, Run.held_by, peewee.fn.COUNT(Run.id), oldest).where(is_due)
    return list(found.group_by(Run.queue, Run.held_by).tuples())
