"""What is due and waits: how much, of whom, and for what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.filters import JobFilter
from core.principals import Principal
from core.states import Hold
from models import database, waiting
from services.reading.views import view_of
from services.reading.visibility import visible

MOST_COUNTED = 10_000


@dataclass(frozen=True)
class WaitView:
    """So many runs that wait in one queue, for one account of one app, for one reason; None: for a free worker."""

    app_name: str
    account_id: str
    queue: str
    held_by: Hold | None
    count: int
    oldest_due_at: datetime
    held_until: datetime | None


@dataclass(frozen=True)
class Waiting:
    """What waits, most first; `is_cut` where more waits than was counted."""

    groups: list[WaitView]
    count: int
    is_cut: bool


def grouped(principal: Principal) -> Waiting:
    """Returns what waits of jobs that the principal may see; at most 10,000 runs are counted."""
    with database.reading():
        found = waiting.grouped(visible(principal, JobFilter()), MOST_COUNTED + 1)
    count = sum(one.count for one in found)
    groups = [view_of(WaitView, one, held_until=None if one.held_by is None else one.held_until) for one in found]
    return Waiting(groups, min(count, MOST_COUNTED), count > MOST_COUNTED)
