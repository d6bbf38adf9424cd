"""Queries for the backlog: runs that are due and have not begun. Both read an index, and no row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import peewee

from core.states import Hold
from models import filtering
from models.tables import Run

_COUNT, _OLDEST = peewee.fn.COUNT(peewee.SQL("*")), peewee.fn.MIN(Run.due_at)


def due() -> list[tuple[str, Hold | None, int, datetime]]:
    """Returns for each queue and hold how many runs are due and have not begun, and since when the oldest is due."""
    claimable: Any = Run.select(Run.queue, _COUNT, _OLDEST).where(filtering.CLAIMABLE).group_by(Run.queue)
    held: Any = Run.select(Run.queue, Run.held_by, _COUNT, _OLDEST).where(filtering.HELD)
    return [
        *((queue, None, count, oldest) for queue, count, oldest in claimable.tuples()),
        *held.group_by(Run.held_by, Run.queue).tuples(),
    ]
