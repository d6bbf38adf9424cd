"""The list of jobs: filters in the address, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from falcon.asgi import Request, Response

from core.errors import InvalidInput
from core.filters import JobFilter
from core.scopes import Scope
from core.states import JobStatus
from pages import examples, list_filters, rights, words
from pages.list_filters import TypedFilter, Wrong
from pages.page_request import Asked
from pages.resources import views
from pages.site import Site
from services.access.saved_views import ViewedList
from services.reading import listing, outcomes
from services.reading.pauses import latest_pauses, pauses_in_force
from services.reading.statistics import slow_jobs
from services.reading.statistics.slow_jobs import SlowJob

PATH = "/dashboard/jobs"
_HIDDEN = ("user_id", "job_type", "name")
"""Filters that the form has no field for: they come with a link, and stay."""
_IN_FORM = ("search", "status", "kind", "task_type", "app_name", "account_id", "tag", "created_from", "created_before")
FILTERS = (*_IN_FORM, "metadata", "paused", *_HIDDEN)
_SHOWN = (*FILTERS, "ordering")


class Jobs:
    """`/dashboard/jobs`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show the jobs that fit; where the filter is wrong, its form, with what is wrong beside each field."""
        try:
            await self._site.show(req, resp, "jobs.html", self._load)
        except InvalidInput as refusal:
            wrong = list_filters.wrong(refusal, _SHOWN)
            resp.status = 400
            await self._site.show(req, resp, "jobs.html", lambda who: self._refused(who, wrong))

    def _load(self, who: Asked) -> dict[str, Any]:
        typed = list_filters.read(who, _SHOWN)
        asked_for = self._site.readers.job_list(_without_slower(typed.given))
        slow = self._slow(who, asked_for.wanted) if typed.given.get("ordering") == words.SLOWER else None
        wanted = asked_for.wanted if slow is None else replace(asked_for.wanted, ids=tuple(slow))
        page = listing.jobs(who.principal, self._site.counts, wanted, asked_for.ordering, asked_for.stretch)
        if slow is not None:
            page = replace(page, items=sorted(page.items, key=lambda job: list(slow).index(job.id)))
        kept = {name: value for name, value in typed.given.items() if name in _SHOWN}
        cursor = None if page.last is None else self._site.readers.cursor(page.last, asked_for.ordering, asked_for.of)
        return {
            **self._form(who, typed),
            "jobs": page.items,
            "count": page.count,
            "slow": slow or {},
            "pauses": latest_pauses.of_jobs(job.id for job in page.items if job.status is JobStatus.PAUSED),
            "paused_with": pauses_in_force.widest(page.items),
            "outcomes": outcomes.newest(who.principal, [job.id for job in page.items]),
            "may_act_on": {job.id for job in page.items if rights.on_job(who.principal, job).operate},
            "paged": "cursor" in typed.given,
            "first": _path(kept),
            "next": cursor and _path({**kept, "cursor": cursor}),
        }

    def _refused(self, who: Asked, wrong: Wrong) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "jobs": [],
            "count": None,
            "slow": {},
            "pauses": {},
            "paused_with": {},
            "outcomes": {},
            "may_act_on": set(),
            "paged": False,
            "first": _path(
                {name: value for name, value in list_filters.read(who, _SHOWN).given.items() if name in _SHOWN}
            ),
            "next": None,
        }
        return {**self._form(who, list_filters.read(who, _SHOWN)), **shown, "wrong": wrong}

    def _form(self, who: Asked, typed: TypedFilter) -> dict[str, Any]:
        return {
            "given": typed.fields,
            "kept": {name: value for name, value in typed.given.items() if name in FILTERS},
            "hidden": {name: typed.given[name] for name in _HIDDEN if name in typed.given},
            "wrong": Wrong(),
            "views": views.offered(who.principal, ViewedList.JOBS),
            "filtered": any(name in typed.given for name in FILTERS),
            "may_make": Scope.JOBS in who.principal.scopes,  # without a role: in the shared apps
            "first_job": examples.first_job(self._site.system.settings),
        }

    def _slow(self, who: Asked, wanted: JobFilter) -> dict[UUID, SlowJob]:
        """The slow ones of these jobs, the slowest first."""
        return {one.job_id: one for one in self._site.slow_jobs.of(who.principal, wanted)}


def _without_slower(given: Mapping[str, str]) -> Mapping[str, str]:
    """Returns what the API's list takes: slow jobs are looked for, and fit on one page."""
    if given.get("ordering") != words.SLOWER:
        return given
    others = {name: value for name, value in given.items() if name not in ("ordering", "cursor")}
    return {**others, "limit": str(slow_jobs.MAX_JOBS)}


def _path(params: dict[str, str]) -> str:
    return f"{PATH}?{urlencode(params)}" if params else PATH
