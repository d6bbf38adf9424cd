"""A new job by a form: one for each kind of task, with a preview of what its schedule means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from core import built_in_apps, fingerprints, schedules
from core.errors import InvalidInput, KeyReused, NotFound
from core.listing import Stretch
from core.schedules import Immediate, RunAt
from pages import examples, form_values, forms, job_form, presets, rights
from pages.form_values import Filled, Preview
from pages.forms import Form
from pages.job_form import CALLBACK, SCHEDULE_KIND, Field
from pages.page_request import Asked
from pages.resources import test_call
from pages.resources.actions import job_path, run_path
from pages.site import Site, if_allowed
from services.apps import apps
from services.execution import test_call_places
from services.jobs import accepting, creating, definition
from services.jobs.creation_outcomes import Refusal
from services.reading import listing, records
from services.task_types.registry import TaskType

NEXT = 10
_MAX_APPS = 200
_PRESET = "preset."
_NOT_TRIED = ("name", "deadline_seconds")


@dataclass(frozen=True)
class _Wanted:
    """A form, and the job that it asks for, or its refusal."""

    form: Form
    job: definition.NewJob | Refusal


class NewJob:
    """`/dashboard/new`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show the form, empty, or as a job is that the address names."""
        await self._site.show(req, resp, "new.html", lambda who: self._context(who, Filled(self._begun(who))))

    async def create(self, req: Request, resp: Response) -> None:
        """Make the job and lead to it, or show the form again with what is wrong, or with what it would do."""
        form = await self._site.form(req)
        match form.get("do", ""):
            case "look":
                await self._site.show(req, resp, "preview.html", lambda who: self._looked_at(who, form))
            case "try":
                await self._try(req, resp, form)
            case "once":
                await self._make(req, resp, _keyed_by_content(form), self._wanted_once, self._create_once)
            case "preview":
                await self._site.show(req, resp, "new.html", lambda who: self._with_preview(who, form))
            case preset if preset.startswith(_PRESET):
                values = form_values.by_preset(form, preset.removeprefix(_PRESET))
                await self._site.show(req, resp, "new.html", lambda who: self._with_preview(who, values))
            case _:
                await self._make(req, resp, form, self._wanted, self._create)

    async def _make(
        self,
        req: Request,
        resp: Response,
        form: Form,
        prepare: Callable[[Asked, Form], _Wanted],
        do: Callable[[Asked, _Wanted], str],
    ) -> None:
        try:
            await self._site.carry_out_prepared(req, resp, form, prepare, do)
        except KeyReused:
            raise
        except (InvalidInput, NotFound) as refusal:
            wrong = form_values.as_input(refusal)
            resp.status = 400
            await self._site.show(
                req, resp, "new.html", lambda who: self._context(who, self._refused(who, form, wrong))
            )

    async def _try(self, req: Request, resp: Response, form: Form) -> None:
        """Call the receiver of the app once with what the form says, and show what comes back."""
        name = form.get("app_name", "")
        with test_call_places.place():
            await self._site.show_call(req, resp, lambda who: test_call.told_of_app(self._site, who, name, form))

    def _wanted(self, who: Asked, form: Form) -> _Wanted:
        return self._validated(who, form, self._job(who, form))

    def _wanted_once(self, who: Asked, form: Form) -> _Wanted:
        """The job of the form, but at once; its name stays free for the job itself."""
        typed = {name: value for name, value in form.items() if name not in _NOT_TRIED}
        return self._validated(who, form, self._job(who, {**typed, SCHEDULE_KIND: Immediate.kind}))

    def _validated(self, who: Asked, form: Form, job: dict[str, Any]) -> _Wanted:
        new = self._site.readers.new_job(job)
        return _Wanted(form, accepting.validated(who.principal, self._site.system, new))

    def _create(self, who: Asked, wanted: _Wanted) -> str:
        is_new = self._new_app(who, wanted.form) is not None
        job_id = creating.create_validated(who.principal, self._site.system, wanted.job)
        return job_path(job_id, "created_with_app" if is_new else "created")

    def _create_once(self, who: Asked, wanted: _Wanted) -> str:
        """Make the job, and lead to its run."""
        job_id = creating.create_validated(who.principal, self._site.system, wanted.job)
        [run] = listing.runs_of_job(who.principal, self._site.counts, job_id, Stretch(limit=1)).items
        return run_path(run.id, "tried")

    def _begun(self, who: Asked) -> dict[str, str]:
        """What the form begins with: that of a job, if the address names one that the reader sees."""
        if not who.params.get("like"):
            return form_values.at_first(who)
        try:
            job_id = UUID(who.params["like"])
        except ValueError:
            raise NotFound("job", ascii(who.params["like"])) from None
        view = records.job(who.principal, job_id)
        fields = self._fields(who, {SCHEDULE_KIND: view.schedule.kind})
        return form_values.like(who, self._site.readers.job_as_shown(view), fields)

    def _looked_at(self, who: Asked, form: Form) -> dict[str, Any]:
        return {
            "filled": self._previewed(who, form),
            "labels": {one.name: one.label for one in self._fields(who, form)},
            "new_app": self._new_app(who, form),
        }

    def _with_preview(self, who: Asked, form: Form) -> dict[str, Any]:
        """The form with its preview, to which the browser scrolls: what is wrong is said there, too."""
        looked_at = self._looked_at(who, form)
        return {**self._context(who, looked_at["filled"]), **looked_at}

    def _previewed(self, who: Asked, form: Form) -> Filled:
        try:
            job = self._job(who, form)
            schedule = self._site.readers.schedule(job.get("schedule", {}))
            coming = schedule.previewed(who.now, NEXT)
            has_passed = isinstance(schedule, RunAt) and schedule.at <= who.now
            return Filled(form, preview=Preview(schedule.describe(), coming, has_passed), written=self._written(job))
        except InvalidInput as refusal:
            return self._refused(who, form, refusal)

    def _written(self, job: dict[str, Any]) -> dict[str, str]:
        """The same job as text: as a command, as a file, as a program."""
        settings = self._site.system.settings
        return {
            "curl": examples.create(settings, job),
            "YAML": examples.as_yaml(job),
            "Python": examples.as_python(settings, job),
        }

    def _refused(self, who: Asked, form: Form, refusal: InvalidInput) -> Filled:
        errors, others = job_form.beside(refusal, self._fields(who, form))
        return Filled(form, errors, others)

    def _job(self, who: Asked, form: Form) -> dict[str, Any]:
        """The JSON that a form stands for."""
        kind = self._kind(who)
        job = job_form.job_of(form, self._fields(who, form), who.zone)
        if kind is not None:
            job["task_type"] = kind.key
            job.setdefault("data", {})
        job.setdefault("schedule", {})["type"] = form.get(SCHEDULE_KIND, "")
        return job

    def _fields(self, who: Asked, form: Mapping[str, str]) -> list[Field]:
        """The fields that count: those of the kind of schedule that is chosen."""
        chosen = schedules.KINDS.get(form.get(SCHEDULE_KIND, ""))
        of_schedule = [] if chosen is None else job_form.schedule_fields(chosen)
        kind = Field(SCHEDULE_KIND, "Schedule", path=("schedule", "type"))
        return [
            *job_form.task_fields(self._kind(who)),
            *job_form.common_fields(),
            kind,
            *of_schedule,
            *job_form.policy_fields(self._site.system.settings),
        ]

    def _apps(self, who: Asked) -> list[str]:
        """The apps in which the reader may make jobs, of the newest."""
        found = if_allowed(lambda: apps.listed(who.principal, None, _MAX_APPS)) or ((), False)
        return sorted(app.name for app in found[0] if rights.on_app(who.principal, app.id).make)

    def _new_app(self, who: Asked, form: Form) -> str | None:
        """The app that the job will make; None if there is one of this name, or jobs make none."""
        name = form.get("app_name", "")
        if not name or not self._site.system.settings.anonymous or built_in_apps.canonical(name) in built_in_apps.NAMES:
            return None
        try:
            apps.get(who.principal, name)
        except (InvalidInput, NotFound):
            return name
        return None

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
        return job_form.kinds(self._site.system.settings)

    def _context(self, who: Asked, shown: Filled) -> dict[str, Any]:
        kind = self._kind(who)
        policies = job_form.policy_fields(self._site.system.settings)
        return {
            "kinds": self._kinds(),
            "other_kinds": job_form.kinds_with_pages(self._site.system.settings),
            "needs_app": not (who.principal.sees_all or form_values.app_of(who)),
            "kind": CALLBACK if kind is None else kind.key,
            "task_fields": job_form.task_fields(kind),
            "common_fields": job_form.common_fields(
                makes_apps=self._site.system.settings.anonymous, apps=self._apps(who)
            ),
            "schedule_kinds": {key: job_form.schedule_fields(one) for key, one in schedules.KINDS.items()},
            "policy_fields": policies,
            "policies_open": any(one.name in shown.errors for one in policies),
            "presets": presets.PRESETS,
            "labels": {},
            "new_app": None,
            "filled": shown,
        }


def _keyed_by_content(form: Form) -> Form:
    """A form whose key is another than that of the job itself, and another for each content: it may be tried again."""
    return {**form, forms.KEY: fingerprints.of(dict(form))} if form.get(forms.KEY) else form
