"""A test call of a job, or of an app's receiver: sent when its button is pressed, and shown with what came back."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from pages import forms, naming
from pages.forms import Form
from pages.page_request import Asked
from pages.resources.app import AppPage
from pages.resources.apps import app_path
from pages.site import Site
from services.execution import test_call_places, test_calls
from services.reading import records


class TestCallPage:
    """`/dashboard/jobs/{job_id}/test-call` and `/dashboard/apps/{name}/test-call`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._app_page = AppPage(site)

    async def of_job(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Make the call of a job, and show it."""
        await self._site.form(req)
        with test_call_places.place():
            await self._site.show_call(req, resp, lambda who: self._of_job(who, job_id))

    async def of_app(self, req: Request, resp: Response, name: str) -> None:
        """Call the receiver of an app, and show what came back."""
        form = await self._site.form(req)

        def call() -> Awaitable[None]:
            return self._site.show_call(req, resp, lambda who: told_of_app(self._site, who, name, form))

        with test_call_places.place():
            await self._app_page.or_again(req, resp, name, form, call)

    def _of_job(self, who: Asked, job_id: UUID) -> dict[str, Any]:
        made = test_calls.of_job(who.principal, self._site.system, job_id)
        job = records.job(who.principal, job_id)
        of = {"name": naming.called(job), "path": f"/dashboard/jobs/{job_id}"}
        return {"made": made, "of": of, "section": "jobs", "again": {}}


def told_of_app(site: Site, who: Asked, name: str, form: Form) -> dict[str, Any]:
    """Call the receiver of an app with the task type and the data of a form. Returns what the page shows of it."""
    task_type, data = site.readers.test_call(
        {"task_type": form.get("task_type", ""), "data": forms.data(form.get("data", ""))}
    )
    made = test_calls.of_app(who.principal, site.system, name, task_type, data)
    again = {"task_type": task_type, "data": form.get("data", "")}
    return {"made": made, "of": {"name": name, "path": app_path(name)}, "section": "apps", "again": again}
