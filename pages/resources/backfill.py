"""Run the occurrences of a span that has passed: tried first, which says how many there are, then done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from core.errors import InvalidInput
from pages import instants_typed
from pages.asked import Asked
from pages.forms import Form
from pages.resources.actions import job_path
from pages.site import Site
from services.jobs import backfill
from services.reading import records

_AGAIN = "again"


class BackfillPage:
    """`/dashboard/jobs/{job_id}/backfill`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def ask(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Ask for a span, and show by a dry run what would run."""
        await self._site.show(req, resp, "backfill.html", lambda who: self._asking(who, job_id))

    async def fill(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Make the runs, and lead to the job."""

        def do(who: Asked, form: Form) -> str:
            span = self._site.readers.span(_given(who, form))
            again = form.get(_AGAIN) == "true"
            backfill.backfill(who.principal, self._site.system, job_id, *span, again=again)
            return job_path(job_id, "backfilled")

        await self._site.act(req, resp, do)

    def _asking(self, who: Asked, job_id: UUID) -> dict[str, Any]:
        given = {name: who.params.get(name, "") for name in ("from", "to", _AGAIN)}
        told: dict[str, Any] = {"job": records.job(who.principal, job_id), "given": given, "errors": {}, "trial": None}
        if given["from"] or given["to"]:
            try:
                told["trial"] = self._tried(who, job_id, given)
            except InvalidInput as refusal:
                told["errors"] = {one.field: one.message for one in refusal.fields}
        return told

    def _tried(self, who: Asked, job_id: UUID, given: Form) -> backfill.Backfilled:
        start, end = self._site.readers.span(_given(who, given))
        again = given[_AGAIN] == "true"
        return backfill.backfill(who.principal, self._site.system, job_id, start, end, again=again, dry_run=True)


def _given(who: Asked, form: Form) -> dict[str, str]:
    """A span as programs write it; what is typed is on the reader's clocks."""
    return {name: instants_typed.read(form[name], who.zone) for name in ("from", "to") if form.get(name)}
