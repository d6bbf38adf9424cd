"""What failed for good, grouped; each group is replayed or dismissed as a whole."""

from __future__ import annotations

from typing import Any

from falcon.asgi import Request, Response

from core import instants
from core.errors import InvalidInput
from pages import rights
from pages.asked import Asked
from pages.site import Site
from services.reading import failures

RANGES = {"24h": ("24 hours", 24), "7d": ("7 days", 168), "30d": ("30 days", 720)}


class FailuresPage:
    """`/dashboard/failures`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show what failed."""
        await self._site.show(req, resp, "failures.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        chosen = who.params.get("range", "24h")
        if chosen not in RANGES:
            raise InvalidInput.at("range", f"must be one of {', '.join(RANGES)}.")
        found = failures.grouped(who.principal, self._site.system, RANGES[chosen][1])
        return {
            "failures": found,
            "since": instants.shown(found.since),
            "range": chosen,
            "ranges": RANGES,
            "may_act_in": {one.app_name for one in found.groups if rights.operates_in(who.principal, one.app_name)},
        }
