"""The processes that execute runs, and what each holds now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from core.filters import RunFilter
from core.listing import Stretch
from core.states import RunStatus
from core.version import VERSION
from pages.asked import Asked
from pages.site import Site
from services.reading import durations, listing, workers
from services.reading.counting import Counts
from services.reading.views import RunView

MOST_RUNS = 100


class Workers:
    """`/dashboard/workers`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._counts = Counts(site.system.clock)

    async def show(self, req: Request, resp: Response) -> None:
        """Show the workers."""
        await self._site.show(req, resp, "workers.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        going = RunFilter(status=RunStatus.RUNNING)
        page = listing.runs(who.principal, self._counts, going, Stretch(limit=MOST_RUNS))
        at_work: dict[UUID, list[RunView]] = {}
        for run in page.items:
            if run.worker_id is not None:
                at_work.setdefault(run.worker_id, []).append(run)
        return {
            "workers": workers.known(who.principal, self._site.system),
            "at_work": at_work,
            "usual": durations.of_jobs({run.job_id for run in page.items}),
            "version": VERSION,
            "runs": page.items,
            "count": page.count,
            "lease_seconds": self._site.system.settings.lease_seconds,
        }
