"""The audit log: who did what to which thing, when and why."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from core.listing import NEWEST_FIRST, Mark
from pages.asked import Asked
from pages.site import Site
from services.access import audit

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
        cursor = self._site.readers.cursor(Mark(entries[-1].id), NEWEST_FIRST) if more else None
        return {
            "entries": entries,
            "given": {name: given.get(name, "") for name in FILTERS},
            "filtered": bool(kept),
            "paged": "cursor" in given,
            "first": _path(kept),
            "next": cursor and _path({**kept, "cursor": cursor}),
        }


def _path(params: dict[str, str]) -> str:
    return f"{PATH}?{urlencode(params)}" if params else PATH
