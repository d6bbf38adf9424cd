"""What waits as callers get it, by reason."""

from __future__ import annotations

from datetime import datetime

from api.schemas.values import Shown
from core.states import Hold


class WaitingGroup(Shown):
    """So many due runs that wait in one queue, for one account of one app, for one reason.

    `held_by` is null for those that wait for a free worker. Those that a limit or a breaker holds wait for room under
    `held_key`, which is looked at `held_until`; `next_at` is when it lets the next call begin, where that is known: for
    the keys of the largest groups, if they let none begin at present.
    """

    app_name: str
    account_id: str
    queue: str
    held_by: Hold | None
    held_key: str | None
    held_until: datetime | None
    count: int
    oldest_due_at: datetime
    next_at: datetime | None = None


class Waiting(Shown):
    """Waiting runs, the largest groups first. At most 10,000 runs are counted; `is_cut` if more wait."""

    groups: list[WaitingGroup]
    count: int
    is_cut: bool
