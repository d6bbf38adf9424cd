"""Open breakers as they are shown: which hosts they block, since when, and how many calls are allowed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core import limit_keys
from core.errors import InvalidInput, NotFound
from core.principals import Principal
from core.scopes import Scope
from models import apps, breakers, database, held_keys
from models.tables import Breaker
from services.access import visible_apps
from services.reading.limits import MAX_COUNTED

MAX_SHOWN = 1_000
_EXAMPLE = "destination:shop/api.example.com"


@dataclass(frozen=True)
class BreakerView:
    """An open breaker: `places` calls may be made at once; if 0, none until `probe_at`; `waiting` runs are held."""

    key: str
    app_name: str
    host: str
    opened_at: datetime
    places: int
    probe_at: datetime
    waiting: int


def listed(principal: Principal) -> list[BreakerView]:
    """Returns the open breakers of the principal's apps, or all for administrators, by key, the first 1,000.

    A key for one account sees none: they would reveal which hosts the app's other accounts call.
    """
    principal.expect_scope(Scope.READ)
    if principal.account_id is not None:
        return []
    with database.reading():
        return _views(breakers.page(principal.app_ids(Scope.READ), MAX_SHOWN))


def of_key(principal: Principal, key: str) -> BreakerView | None:
    """Returns the open breaker of a destination, None while it is closed.

    Raises `InvalidInput` if the key is that of no destination, `NotFound` if its app is not the principal's or they
    are bound to one account of it.
    """
    destination = limit_keys.read_destination(key)
    if destination is None:
        raise InvalidInput.at("key", f"is {key!r}; write destination:APP/HOST, for example {_EXAMPLE}.")
    with database.reading():
        visible_apps.found(principal, destination[0], Scope.READ)
        if principal.account_id is not None:
            raise NotFound("breaker", key)
        row = breakers.by_key(key)
        return None if row is None else _views([row])[0]


def _views(rows: Sequence[Breaker]) -> list[BreakerView]:
    names = apps.names_of({row.app_id for row in rows})
    waiting = held_keys.waiting_by_key([row.key for row in rows], MAX_COUNTED)
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
