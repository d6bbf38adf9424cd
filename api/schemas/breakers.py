"""Open breakers as callers get them."""

from __future__ import annotations

from datetime import datetime

from api.schemas.values import Shown


class OpenBreaker(Shown):
    """A host that an app does not call for now, since most of its last calls failed.

    `places` calls may go at once; while it is 0, one is tried from `probe_at` on. `waiting` counts the runs that are
    held, up to 1,000.
    """

    key: str
    app_name: str
    host: str
    opened_at: datetime
    places: int
    probe_at: datetime
    waiting: int


class OpenBreakers(Shown):
    """The open breakers, by key, the first 1,000."""

    results: list[OpenBreaker]
