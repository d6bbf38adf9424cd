"""The search field of every page: leads to the one thing that is meant, else to the list of those that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote, urlencode
from uuid import UUID

from falcon.asgi import Request, Response

from core import limit_keys
from core.errors import NotFound
from core.filters import JobFilter
from core.listing import NEWEST_FIRST, Stretch
from core.principals import Principal
from pages.naming import account_path
from pages.page_request import Asked
from pages.site import Site
from services.apps import apps
from services.reading import listing, records

_JOBS, _RUNS, _APPS = "/dashboard/jobs", "/dashboard/runs", "/dashboard/apps"
_MAX_APPS = 100


class FindPage:
    """`/dashboard/find`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def find(self, req: Request, resp: Response) -> None:
        """Lead to what is searched for."""
        await self._site.lead(req, resp, self._path)

    def _path(self, who: Asked) -> str:
        """Where a job, run, account or host stands; the list of jobs where several fit, or none.

        An account that is called so comes before jobs that have it in their name, not before one of this name.
        """
        text = who.params.get("search", "").strip()
        if not text:
            return _JOBS
        if (thing := _uuid(text)) is not None:
            return next(_of_id(who.principal, thing), _searched(text))
        wanted = self._site.readers.job_list({"search": text}).wanted
        if self._is_account(who.principal, text):
            return account_path(text)
        found = self._jobs(who.principal, wanted)
        if len(found) == 1:
            return f"{_JOBS}/{found[0]}"
        if found:
            return _searched(text)
        return self._of_host(who.principal, text.lower()) or _searched(text)

    def _is_account(self, principal: Principal, text: str) -> bool:
        """Whether an account is called exactly so, and no job."""
        return bool(self._jobs(principal, JobFilter(account_id=text))) and not self._jobs(
            principal, JobFilter(name=text)
        )

    def _jobs(self, principal: Principal, wanted: JobFilter) -> list[UUID]:
        """The first two jobs that fit: more need not be known."""
        page = listing.jobs(principal, self._site.counts, wanted, NEWEST_FIRST, Stretch(limit=2))
        return [job.id for job in page.items]

    def _of_host(self, principal: Principal, host: str) -> str | None:
        """The failures, where a host fails that is called so; else the app that calls it."""
        if any(one.host == host for one in self._site.failing_hosts.of(principal)):
            return "/dashboard/failures#hosts"
        found, _ = apps.listed_without_task_types(principal, _MAX_APPS)
        for app in found:
            if app.callback_base_url and limit_keys.of_host(app.callback_base_url) == f"host:{host}":
                return f"{_APPS}/{quote(app.name, safe='')}"
        return None


def _of_id(principal: Principal, thing: UUID) -> Iterator[str]:
    """Yields where the job or the run of an id is shown, if it is one's to see."""
    looks: dict[str, Callable[[Principal, UUID], object]] = {_JOBS: records.job, _RUNS: records.run}
    for path, look in looks.items():
        try:
            look(principal, thing)
        except NotFound:
            continue
        yield f"{path}/{thing}"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _searched(text: str) -> str:
    return f"{_JOBS}?{urlencode({'search': text})}"
