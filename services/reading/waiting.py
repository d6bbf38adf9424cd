"""What is due and waits: how much, of whom, and for what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.filters import JobFilter
from core.principals import Principal
from core.states import Hold
from models import database, waiting
from models.waiting import Wait
from services.reading.views import view_of
from services.reading.visibility import visible

MAX_COUNTED = 10_000
MAX_KEYS = 50


@dataclass(frozen=True)
class WaitView:
    """So many runs that wait in one queue, for one account of one app, for one reason; None: for a free worker.

    Those that a limit holds wait for room under a key, which is looked at `held_until`.
    """

    app_name: str
    account_id: str
    queue: str
    held_by: Hold | None
    count: int
    oldest_due_at: datetime
    held_until: datetime | None
    held_key: str | None = None


@dataclass(frozen=True)
class Waiting:
    """What waits, most first; `is_cut` where more waits than was counted."""

    groups: list[WaitView]
    count: int
    is_cut: bool

    @property
    def keys(self) -> list[str]:
        """Returns the keys that hold the largest groups, at most 50."""
        return list(dict.fromkeys(one.held_key for one in self.groups if one.held_key is not None))[:MAX_KEYS]


def grouped(principal: Principal, wanted: JobFilter | None = None) -> Waiting:
    """Returns what waits of matching jobs that the principal may see; at most 10,000 runs are counted."""
    with database.reading():
        found = waiting.grouped(visible(principal, wanted or JobFilter()), MAX_COUNTED + 1)
    count = sum(one.count for one in found)
    groups = [_view(one) for one in found]
    return Waiting(groups, min(count, MAX_COUNTED), count > MAX_COUNTED)


def _view(found: Wait) -> WaitView:
    """What has been released and not begun keeps its key, and waits for a worker."""
    is_held = found.held_by is not None
    return view_of(
        WaitView, found, held_key=found.held_key if is_held else None, held_until=found.held_until if is_held else None
    )
