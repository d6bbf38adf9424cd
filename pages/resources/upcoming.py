"""What comes within a day: a strip of its minutes, where runs meet, and a list."""

from __future__ import annotations

from typing import Any

from falcon.asgi import Request, Response

from core.filters import JobFilter
from pages.asked import Asked
from pages.site import Site
from pages.upcoming import collisions, hours
from services.reading import upcoming
from services.reading.coming_minutes import ComingMinutes

MOST = 5_000
LISTED = 100
_A_DAY_SECONDS = 86_400


class UpcomingPage:
    """`/dashboard/upcoming`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._minutes = ComingMinutes(site.system, _A_DAY_SECONDS, MOST)

    async def show(self, req: Request, resp: Response) -> None:
        """Show what comes."""
        await self._site.show(req, resp, "upcoming.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        app_name = who.params.get("app_name") or None
        wanted = JobFilter(app_name=app_name)
        coming = upcoming.coming(who.principal, self._site.system, wanted, _A_DAY_SECONDS, LISTED)
        ahead = self._minutes.of(who.principal, wanted)
        return {
            "app_name": app_name or "",
            "coming": coming,
            "count": ahead.total,
            "until": ahead.until,
            "hours": hours(ahead.counts, who.now, ahead.until),
            "meeting": ahead.meeting,
            "collisions": collisions(ahead.counts, ahead.until),
        }
