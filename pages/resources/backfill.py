"""Run the occurrences of a span that has passed: tried first, which says how many there are, then done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from falcon.asgi import Request, Response

from core import instants
from core.errors import InvalidInput
from core.schedules import Recurring
from core.states import DID_NOT_RUN, JobStatus
from pages import instants_typed
from pages.forms import Form
from pages.page_request import Asked
from pages.resources.actions import job_path
from pages.rights import Rights
from pages.site import Site
from services.jobs import backfill
from services.reading import records
from services.reading.explaining.explanations import Explanation
from services.reading.views import JobView

_AGAIN = "again"
_ONE = timedelta(seconds=1)


def path_for(job: JobView, may: Rights, why: Explanation | None) -> str | None:
    """Returns the path of the form filled with an occurrence that did not run; None where no backfill is open."""
    if why is None or why.run_status not in DID_NOT_RUN or why.backfilled_by is not None:
        return None
    if not (may.operate and isinstance(job.schedule, Recurring)) or job.status is JobStatus.CANCELLED:
        return None
    span = {"from": instants.shown(why.at), "to": instants.shown(why.at + _ONE)}
    return f"/dashboard/jobs/{job.id}/backfill?{urlencode(span)}"


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
        shown = {name: _as_typed(who, text) if name != _AGAIN else text for name, text in given.items()}
        told: dict[str, Any] = {
            "shown": shown,
            "job": records.job(who.principal, job_id),
            "given": given,
            "errors": {},
            "dry_run": None,
        }
        if given["from"] or given["to"]:
            try:
                told["dry_run"] = self._tried(who, job_id, given)
            except InvalidInput as refusal:
                told["errors"] = {one.field: one.message for one in refusal.fields}
        return told

    def _tried(self, who: Asked, job_id: UUID, given: Form) -> backfill.Backfilled:
        start, end = self._site.readers.span(_given(who, given))
        again = given[_AGAIN] == "true"
        return backfill.backfill(who.principal, self._site.system, job_id, start, end, again=again, dry_run=True)


def _as_typed(who: Asked, text: str) -> str:
    """Returns an instant that a link names as the field shows it; what is typed there, as it is."""
    if not text.endswith("Z"):
        return text
    try:
        return instants_typed.shown(instants.read(text, who.zone), who.zone)
    except (ValueError, OverflowError):
        return text


def _given(who: Asked, form: Form) -> dict[str, str]:
    """A span as programs write it; what is typed is on the reader's clocks."""
    return {name: instants_typed.read(form[name], who.zone) for name in ("from", "to") if form.get(name)}
