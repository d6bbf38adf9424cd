"""The list of runs of all jobs: filters in the address, a page at a time."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from core.listing import NEWEST_FIRST
from pages import rights
from pages.asked import Asked
from pages.resources import views
from pages.site import Site
from services.access.saved_views import ViewedList
from services.reading import listing
from services.reading.counting import Counts

PATH = "/dashboard/runs"
FILTERS = (
    "status",
    "trigger",
    "task_type",
    "app_name",
    "account_id",
    "job_id",
    "due_from",
    "due_before",
    "scheduled_from",
    "scheduled_before",
    "finished_from",
    "held_by",
    "held_key",
)


class RunsPage:
    """`/dashboard/runs`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._counts = Counts(site.system.clock)

    async def show(self, req: Request, resp: Response) -> None:
        """Show the runs that fit."""
        await self._site.show(req, resp, "runs.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        given = {name: value for name, value in who.params.items() if value and name != "done"}
        asked_for = self._site.readers.run_list(given)
        page = listing.runs(who.principal, self._counts, asked_for.wanted, asked_for.stretch)
        kept = {name: value for name, value in given.items() if name in FILTERS}
        cursor = None if page.last is None else self._site.readers.cursor(page.last, NEWEST_FIRST)
        return {
            "runs": page.items,
            "count": page.count,
            "given": {name: given.get(name, "") for name in FILTERS},
            "kept": kept,
            "views": views.offered(who.principal, ViewedList.RUNS),
            "paged": "cursor" in given,
            "first": _path(kept),
            "next": cursor and _path({**kept, "cursor": cursor}),
            "may_act_on": {run.id for run in page.items if rights.operates_in(who.principal, run.app_name)},
        }


def _path(params: dict[str, str]) -> str:
    return f"{PATH}?{urlencode(params)}" if params else PATH
