"""Open breakers as they are shown: which hosts are left alone, since when, and how far they have come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.principals import Principal
from core.scopes import Scope
from models import apps, breakers, database, held_keys
from services.reading.limits import MOST_COUNTED

MOST_SHOWN = 1_000


@dataclass(frozen=True)
class BreakerView:
    """An open breaker: `places` calls may go at once, none until `probe_at` while it is 0; `waiting` runs are held."""

    key: str
    app_name: str
    host: str
    opened_at: datetime
    places: int
    probe_at: datetime
    waiting: int


def listed(principal: Principal) -> list[BreakerView]:
    """Returns the open breakers of the principal's apps, or all for administrators, by key, the first 1,000.

    A key for one account sees none: they would tell which hosts the app's other accounts call.
    """
    principal.expect_scope(Scope.READ)
    if principal.account_id is not None:
        return []
    seen = None
    if not principal.sees_all:
        seen = {one.app_id for one in principal.memberships if Scope.READ in one.role.scopes}
    with database.reading():
        rows = breakers.page(seen, MOST_SHOWN)
        names = apps.names_of({row.app_id for row in rows})
        waiting = held_keys.waiting_by_key([row.key for row in rows], MOST_COUNTED)
        return [
            BreakerView(
                row.key,
                names[row.app_id],
                row.host,
                row.opened_at,
                row.places,
                row.probe_at,
                waiting[row.key],
            )
            for row in rows
        ]
