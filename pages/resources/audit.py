"""The audit log: who did what to which thing, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from core.listing import NEWEST_FIRST, Mark
from pages.page_request import Asked
from pages.site import Site
from services.access import audit
from services.access.audit import AuditView

PATH = "/dashboard/audit"
FILTERS = ("app_name", "principal", "thing", "thing_id", "since", "before")


class AuditPage:
    """`/dashboard/audit`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show the entries that fit."""
        await self._site.show(req, resp, "audit.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        given = {name: value for name, value in who.params.items() if value and name != "done"}
        asked_for = self._site.readers.audit(given)
        entries, more = audit.listed(who.principal, asked_for.wanted, asked_for.after, asked_for.limit)
        kept = {name: given[name] for name in FILTERS if name in given}
        cursor = self._site.readers.cursor(Mark(entries[-1].id), NEWEST_FIRST, asked_for.of) if more else None
        return {
            "rows": rows_of(entries),
            "given": {name: given.get(name, "") for name in FILTERS},
            "filtered": bool(kept),
            "paged": "cursor" in given,
            "first": _path(kept),
            "next": cursor and _path({**kept, "cursor": cursor}),
        }


@dataclass(frozen=True)
class Row:
    """An entry, and those that stand for the same action of the same request on other things."""

    first: AuditView
    others: Sequence[AuditView] = ()


def rows_of(entries: Sequence[AuditView]) -> list[Row]:
    """Returns a row for each action: what one request did to many things is one."""
    alike = groupby(entries, lambda one: (one.request_id or one.id, one.action, one.reason))
    return [Row(first, others) for first, *others in (list(some) for _, some in alike)]


def _path(params: dict[str, str]) -> str:
    return f"{PATH}?{urlencode(params)}" if params else PATH
