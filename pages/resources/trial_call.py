"""A test call of a job: sent when its button is pressed, and shown with what came back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from pages.asked import Asked
from pages.site import Site
from services.execution import trial_calls
from services.reading import records


class TestCallPage:
    """`/dashboard/jobs/{job_id}/test-call`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def make(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Make the call, and show it."""
        await self._site.form(req)
        await self._site.show(req, resp, "test_call.html", lambda who: self._load(who, job_id))

    def _load(self, who: Asked, job_id: UUID) -> dict[str, Any]:
        made = trial_calls.make(who.principal, self._site.system, job_id)
        return {"job": records.job(who.principal, job_id), "made": made}
