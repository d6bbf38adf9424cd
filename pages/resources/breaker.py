"""One circuit breaker: since when it is open and why, when the next call is made, and which runs it holds."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from core import limit_keys
from core.filters import JobFilter, RunFilter
from core.listing import Stretch
from pages import rights, run_rows
from pages.page_request import Asked
from pages.site import Site
from services.reading import limits, listing
from services.reading.failures import breakers

SHOWN = 20


class BreakerPage:
    """`/dashboard/queues/breaker` with the key of a destination."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show a breaker, also once it is closed: a link to it may be older."""
        await self._site.show(req, resp, "breaker.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        key = who.params.get("key", "")
        found = breakers.of_key(who.principal, key)
        app_name, host = limit_keys.read_destination(key) or ("", "")
        waiting = listing.runs(who.principal, self._site.counts, RunFilter(held_key=key), Stretch(limit=SHOWN))
        holders = limits.runs_holding(who.principal, key)
        failing = self._site.failing_hosts.of(who.principal, JobFilter(app_name=app_name))
        return {
            "key": key,
            "app_name": app_name,
            "host": host,
            "breaker": found,
            "failing": next((one for one in failing if one.host == host), None),
            "holders": holders,
            "waiting": waiting.items,
            **run_rows.beside(self._site.system, who.now, waiting.items, holders),
            "all_waiting": f"/dashboard/runs?{urlencode({'held_key': key})}",
            "shows_audit": rights.owns(who.principal, app_name),
            "may_close": rights.operates_in(who.principal, app_name),
        }
