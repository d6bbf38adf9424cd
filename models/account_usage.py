"""Queries for the accounts whose own limits hold their runs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import peewee

from core.filters import JobFilter
from core.limit_keys import ACCOUNT
from core.states import Hold
from models import apps
from models.tables import App, HeldKey

_SLASH = "/"


class HeldAccount(NamedTuple):
    """An account of an app whose own limit holds runs, by the key of this limit, until it is looked at again."""

    app_name: str
    account_id: str
    key: str
    held_by: Hold
    until: datetime


def held(wanted: JobFilter, app_ids: Collection[UUID] | None, limit: int) -> list[HeldAccount]:
    """Returns accounts whose own limits hold runs, up to a limit: of these apps (None: of all), and of a filter's."""
    beginning = peewee.Value(ACCOUNT).concat(App.name).concat(_SLASH)
    account = peewee.fn.SUBSTR(HeldKey.key, peewee.fn.LENGTH(beginning) + 1)
    query: Any = HeldKey.select(App.name, account, HeldKey.key, HeldKey.held_by, HeldKey.until)
    query = query.join(App, on=App.id == HeldKey.app_id)
    query = query.where(peewee.fn.SUBSTR(HeldKey.key, 1, peewee.fn.LENGTH(beginning)) == beginning)
    if app_ids is not None:
        query = query.where(HeldKey.app_id.in_(sorted(app_ids)))
    if wanted.app_name is not None:
        query = query.where(HeldKey.app_id == apps.id_of(wanted.app_name))
    own = None if wanted.visible is None else wanted.visible.account_id
    for one in (wanted.account_id, own):
        query = query if one is None else query.where(account == one)
    return [HeldAccount(*row) for row in query.order_by(HeldKey.until).limit(limit).tuples()]
