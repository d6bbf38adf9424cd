"""The processes that execute runs, and what each holds now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from core.filters import RunFilter
from core.listing import Stretch
from core.scopes import Scope
from core.states import RunStatus
from core.version import VERSION
from pages import run_rows
from pages.forms import Form
from pages.page_request import Asked
from pages.route import Responder
from pages.site import Site
from services.execution import draining
from services.reading import listing
from services.reading.installation import processes, workers
from services.reading.statistics import durations
from services.reading.views import RunView

PATH = "/dashboard/workers"
MAX_RUNS = 100


class Workers:
    """`/dashboard/workers`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show the workers."""
        await self._site.show(req, resp, "workers.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        going = RunFilter(status=RunStatus.RUNNING)
        page = listing.runs(who.principal, self._site.counts, going, Stretch(limit=MAX_RUNS))
        at_work: dict[UUID, list[RunView]] = {}
        for run in page.items:
            if run.worker_id is not None:
                at_work.setdefault(run.worker_id, []).append(run)
        return {
            "shows_audit": self._site.shows_audit(who),
            "workers": workers.known(who.principal, self._site.system),
            "processes": processes.known(who.principal, self._site.system),
            "at_work": at_work,
            "usual": durations.of_jobs(who.principal, {run.job_id for run in page.items}),
            "version": VERSION,
            "runs": page.items,
            **run_rows.beside(self._site.system, who.now, page.items),
            "count": page.count,
            "lease_seconds": self._site.system.settings.lease_seconds,
            "heartbeat_seconds": self._site.system.settings.heartbeat_seconds,
            "may_drain": who.principal.sees_all and Scope.OPERATE in who.principal.scopes,
        }


def drain(site: Site) -> Responder:
    """Returns a responder that asks the worker of the path to take no more runs."""

    def do(who: Asked, form: Form, worker_id: UUID) -> str:
        draining.drain(who.principal, site.system, worker_id, site.reason(form))
        return f"{PATH}?done=draining"

    return _by_worker(site, do)


def undrain(site: Site) -> Responder:
    """Returns a responder that lets the worker of the path take runs again."""

    def do(who: Asked, _form: Form, worker_id: UUID) -> str:
        draining.end_drain(who.principal, site.system, worker_id)
        return f"{PATH}?done=takes_runs"

    return _by_worker(site, do)


def _by_worker(site: Site, do: Callable[[Asked, Form, UUID], str]) -> Responder:
    async def respond(req: Request, resp: Response, worker_id: UUID) -> None:
        await site.act(req, resp, lambda who, form: do(who, form, worker_id))

    return respond
