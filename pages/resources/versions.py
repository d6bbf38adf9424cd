"""The versions of a job: who made which and why, in what two of them differ, and the way back to a former one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from pages import changes, rights
from pages.forms import Form
from pages.page_request import Asked
from pages.resources.actions import job_path, whole
from pages.site import Site
from services.jobs import version_history
from services.reading import records


class VersionsPage:
    """`/dashboard/jobs/{job_id}/versions`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show the versions, and what the newest changed, or what is between the two that the address names."""
        await self._site.show(req, resp, "versions.html", lambda who: self._load(who, job_id))

    async def revert(self, req: Request, resp: Response, job_id: UUID, version: int) -> None:
        """Make the job what it was in a version, unless it was changed since the page was loaded; lead to it."""

        def do(who: Asked, form: Form) -> str:
            version_history.revert(
                who.principal,
                self._site.system,
                job_id,
                version,
                allow=lambda view, wanted: self._site.readers.expect_edit(who.principal, view, wanted),
                expected={whole(form, "current")},
                reason=self._site.reason(form),
            )
            return job_path(job_id, "reverted")

        await self._site.act(req, resp, do)

    def _load(self, who: Asked, job_id: UUID) -> dict[str, Any]:
        view = records.job(who.principal, job_id)
        later = whole(who.params, "to") if who.params.get("to") else view.version
        earlier = whole(who.params, "from") if who.params.get("from") else max(1, later - 1)
        lines = [] if earlier == later else self._differences(who, job_id, earlier, later)
        return {
            "job": view,
            "may": rights.on_job(who.principal, view),
            "versions": version_history.listed(who.principal, job_id),
            "earlier": earlier,
            "later": later,
            "lines": lines,
        }

    def _differences(self, who: Asked, job_id: UUID, earlier: int, later: int) -> list[str]:
        found = version_history.compared(who.principal, job_id, earlier, later)
        return changes.between(*self._site.readers.differences(found))
