"""The list of jobs: filters in the address, a page at a time."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from core.scopes import Scope
from pages import examples, rights
from pages.asked import Asked
from pages.resources import views
from pages.site import Site
from services.access.saved_views import ViewedList
from services.reading import listing, outcomes
from services.reading.counting import Counts

PATH = "/dashboard/jobs"
_HIDDEN = ("user_id", "job_type", "name")
"""Filters that the form has no field for: they come with a link, and stay."""
_IN_FORM = ("search", "status", "kind", "task_type", "app_name", "account_id", "tag", "created_from", "created_before")
FILTERS = (*_IN_FORM, *_HIDDEN)
_SHOWN = (*FILTERS, "ordering")


class Jobs:
    """`/dashboard/jobs`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._counts = Counts(site.system.clock)

    async def show(self, req: Request, resp: Response) -> None:
        """Show the jobs that fit."""
        await self._site.show(req, resp, "jobs.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        given = {name: value for name, value in who.params.items() if value and name != "done"}
        asked_for = self._site.readers.job_list(given)
        page = listing.jobs(who.principal, self._counts, asked_for.wanted, asked_for.ordering, asked_for.stretch)
        kept = {name: value for name, value in given.items() if name in _SHOWN}
        cursor = None if page.last is None else self._site.readers.cursor(page.last, asked_for.ordering)
        return {
            "jobs": page.items,
            "count": page.count,
            "outcomes": outcomes.newest([job.id for job in page.items]),
            "given": {name: given.get(name, "") for name in _SHOWN},
            "kept": {name: value for name, value in given.items() if name in FILTERS},
            "hidden": {name: given[name] for name in _HIDDEN if name in given},
            "views": views.offered(who.principal, ViewedList.JOBS),
            "filtered": any(name in given for name in FILTERS),
            "may_make": Scope.JOBS in who.principal.scopes,  # without a role: in the shared apps
            "may_act_on": {job.id for job in page.items if rights.on_job(who.principal, job).operate},
            "paged": "cursor" in given,
            "first": _path(kept),
            "next": cursor and _path({**kept, "cursor": cursor}),
            "first_job": examples.first_job(self._site.system.settings),
        }


def _path(params: dict[str, str]) -> str:
    return f"{PATH}?{urlencode(params)}" if params else PATH
