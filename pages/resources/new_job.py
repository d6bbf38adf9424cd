"""A new job by a form: one for each kind of task, with a preview of what its schedule means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from falcon.asgi import Request, Response

from core import built_in_apps, schedules
from core.errors import InvalidInput, KeyReused, NotFound
from core.principals import PrincipalKind
from core.scopes import Scope
from pages import examples, job_form
from pages.asked import Asked
from pages.forms import Form
from pages.job_form import CALLBACK, SCHEDULE_KIND, Field
from pages.resources.actions import job_path
from pages.site import Site
from services.jobs import lifecycle
from services.task_types import registry
from services.task_types.registry import TaskType

NEXT = 10
_BY_FORM_ONLY_ELSEWHERE = ("upload_file",)  # it needs a file


@dataclass(frozen=True)
class Preview:
    """What a schedule means: a sentence, and its next instants."""

    sentence: str
    coming: list[datetime]


@dataclass(frozen=True)
class Filled:
    """A form as it is shown again: what was typed, what is wrong with it, and what it would do."""

    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    preview: Preview | None = None
    command: str = ""


class NewJob:
    """`/dashboard/new`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show the form, empty."""
        await self._site.show(req, resp, "new.html", lambda who: self._context(who, Filled(_defaults(who))))

    async def create(self, req: Request, resp: Response) -> None:
        """Make the job and lead to it, or show the form again with what is wrong, or with what it would do."""
        form = await self._site.form(req)
        if form.get("do") == "preview":
            await self._site.show(req, resp, "new.html", lambda who: self._context(who, self._previewed(who, form)))
            return
        try:
            await self._site.carry_out(req, resp, form, self._create)
        except KeyReused:
            raise
        except (InvalidInput, NotFound) as refusal:
            wrong = _as_input(refusal)
            resp.status = 400
            await self._site.show(
                req, resp, "new.html", lambda who: self._context(who, self._refused(who, form, wrong))
            )

    def _create(self, who: Asked, form: Form) -> str:
        new = self._site.readers.new_job(self._job(who, form))
        return job_path(lifecycle.create(who.principal, self._site.system, new), "created")

    def _previewed(self, who: Asked, form: Form) -> Filled:
        try:
            job = self._job(who, form)
            schedule = self._site.readers.schedule(job.get("schedule", {}))
            coming = list(islice(schedules.preview(schedule, who.now), NEXT))
            command = examples.create(self._site.system.settings, job)
            return Filled(form, preview=Preview(schedule.describe(), coming), command=command)
        except InvalidInput as refusal:
            return self._refused(who, form, refusal)

    def _refused(self, who: Asked, form: Form, refusal: InvalidInput) -> Filled:
        errors, others = job_form.beside(refusal, self._fields(who, form))
        return Filled(form, errors, others)

    def _again(self, who: Asked, form: Form, refusal: InvalidInput) -> dict[str, Any]:
        return self._context(who, self._refused(who, form, refusal))

    def _job(self, who: Asked, form: Form) -> dict[str, Any]:
        """The JSON that a form stands for."""
        kind = self._kind(who)
        job = job_form.job_of(form, self._fields(who, form), who.zone)
        if kind is not None:
            job["task_type"] = kind.key
            job.setdefault("data", {})
        job.setdefault("schedule", {})["type"] = form.get(SCHEDULE_KIND, "")
        return job

    def _fields(self, who: Asked, form: Form) -> list[Field]:
        """The fields that count: those of the kind of schedule that is chosen."""
        chosen = schedules.KINDS.get(form.get(SCHEDULE_KIND, ""))
        of_schedule = [] if chosen is None else job_form.schedule_fields(chosen)
        kind = Field(SCHEDULE_KIND, "Schedule", path=("schedule", "type"))
        return [
            *job_form.task_fields(self._kind(who)),
            *job_form.common_fields(),
            kind,
            *of_schedule,
            *job_form.policy_fields(),
        ]

    def _kind(self, who: Asked) -> TaskType | None:
        """The kind of task that the address names; None for a call of an application."""
        key = who.params.get("kind", CALLBACK)
        if key == CALLBACK:
            return None
        found = next((one for one in self._kinds() if one.key == key), None)
        if found is None:
            raise InvalidInput.at("kind", "is no kind of task that works here; choose one of the page.")
        return found

    def _kinds(self) -> list[TaskType]:
        working = registry.working(self._site.system.settings)
        return [one for one in working if one.key not in _BY_FORM_ONLY_ELSEWHERE]

    def _context(self, who: Asked, filled: Filled) -> dict[str, Any]:
        kind = self._kind(who)
        return {
            "kinds": self._kinds(),
            "needs_app": not (who.principal.sees_all or _app(who)),
            "kind": CALLBACK if kind is None else kind.key,
            "task_fields": job_form.task_fields(kind),
            "common_fields": job_form.common_fields(),
            "schedule_kinds": {key: job_form.schedule_fields(one) for key, one in schedules.KINDS.items()},
            "policy_fields": job_form.policy_fields(),
            "filled": filled,
        }


def _defaults(who: Asked) -> dict[str, str]:
    name = who.principal.name
    zones = {f"schedule.{kind}.timezone": who.zone.key for kind in schedules.KINDS}
    return {"app_name": _app(who), "account_id": name, "user_id": name, SCHEDULE_KIND: "immediate", **zones}


def _app(who: Asked) -> str:
    """The app that a new job is most likely for: the one that the address names, else the reader's own."""
    theirs = [one.app_name for one in who.principal.memberships if Scope.JOBS in one.role.scopes]
    usual = built_in_apps.DEFAULT if who.principal.kind is PrincipalKind.LOCAL else next(iter(theirs), "")
    return who.params.get("app_name") or usual


def _as_input(refusal: InvalidInput | NotFound) -> InvalidInput:
    """A refusal as one of a field: the app that is missing was named by the form."""
    if isinstance(refusal, InvalidInput):
        return refusal
    return InvalidInput.at("app_name", f"{refusal} Make it on the page of apps.")
