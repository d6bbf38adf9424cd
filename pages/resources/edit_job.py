"""Change a job by a form: what is typed differently replaces what stood there, and everything else stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from core.errors import Conflict, Forbidden, InvalidInput, KeyReused, PreconditionFailed
from pages import job_edits, job_form
from pages.form_values import Filled
from pages.forms import Form
from pages.job_form import Field
from pages.page_request import Asked
from pages.resources.actions import job_path, whole
from pages.site import Site
from services.jobs import editing
from services.jobs.definition import Definition
from services.reading import records
from services.reading.views import JobView
from services.task_types import registry
from settings import Settings


@dataclass(frozen=True)
class _Wanted:
    """What a form makes of a job in a version, as the API shows jobs, and why."""

    changed: Mapping[str, Any]
    version: int
    reason: str | None


class EditJob:
    """`/dashboard/jobs/{job_id}/edit`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show the form with what the job is now."""
        await self._site.show(req, resp, "edit.html", lambda who: self._context(who, job_id, None))

    async def edit(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Change the job and lead to it, or show the form again with what is wrong."""
        form = await self._site.form(req)
        try:
            await self._site.carry_out_prepared(
                req, resp, form, partial(self._wanted, job_id), partial(self._edit, job_id)
            )
        except KeyReused:
            raise  # 422: this form was sent before
        except (InvalidInput, Forbidden, PreconditionFailed, Conflict) as refusal:
            resp.status = {Forbidden: 403, Conflict: 409, PreconditionFailed: 412}.get(type(refusal), 400)
            wrong = refusal if isinstance(refusal, InvalidInput) else None
            others = [] if wrong else [str(refusal)]
            await self._site.show(
                req, resp, "edit.html", lambda who: self._context(who, job_id, form, wrong=wrong, others=others)
            )

    def _wanted(self, job_id: UUID, who: Asked, form: Form) -> _Wanted:
        """Returns what a form asks for; nothing of a job that is no longer in the version of the form."""
        reason, version = self._site.reason(form), whole(form, "version")
        view = records.job(who.principal, job_id)
        if view.version != version:
            return _Wanted({}, version, reason)
        shown = self._site.readers.job_as_shown(view)
        fields = _all_of(self._site.system.settings, view)
        return _Wanted(job_edits.changed(shown, form, fields, who.zone), version, reason)

    def _edit(self, job_id: UUID, who: Asked, wanted: _Wanted) -> str:
        def amend(view: JobView) -> Definition:
            return self._site.readers.changed_job(who.principal, view, wanted.changed)

        editing.edit(who.principal, self._site.system, job_id, amend, {wanted.version}, reason=wanted.reason)
        return job_path(job_id, "updated")

    def _context(
        self,
        who: Asked,
        job_id: UUID,
        form: Form | None,
        *,
        wrong: InvalidInput | None = None,
        others: Sequence[str] = (),
    ) -> dict[str, Any]:
        view = records.job(who.principal, job_id)
        fields = _all_of(self._site.system.settings, view)
        values = form or job_edits.typed(self._site.readers.job_as_shown(view), fields, who.zone)
        errors, more = job_form.beside(wrong, fields) if wrong else ({}, [])
        return {
            "job": view,
            "seen_version": values.get("version") or view.version,
            "groups": _groups(self._site.system.settings, view),
            "filled": Filled(values, errors, [*others, *more]),
        }


def _groups(settings: Settings, view: JobView) -> dict[str, list[Field]]:
    """The fields of a job that may change, by heading: its app and its kinds of task and schedule stay."""
    common = [one for one in job_form.common_fields() if one.name != "app_name"]
    return {
        "What to do": job_form.task_fields(registry.find(view.task_type)),
        "When": job_form.schedule_fields(type(view.schedule)),
        "Owner": common,
        "Policies": job_form.policy_fields(settings),
    }


def _all_of(settings: Settings, view: JobView) -> list[Field]:
    return [field for fields in _groups(settings, view).values() for field in fields]
