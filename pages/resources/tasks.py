"""The pages of commands at their old addresses: a command, made, looked at, changed and deleted by forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from core.errors import Forbidden, InvalidInput, KeyReused, NotFound
from core.principals import Principal
from core.states import ENDED
from pages import instants_typed
from pages.forms import Form
from pages.page_request import Asked
from pages.site import Do, Site
from services.apps import apps
from services.jobs import creating, editing
from services.reading import records
from services.reading.views import JobView

COMMAND, SCHEDULED_TIME = "command", "scheduled_time"
_PLACES = {"data.command": COMMAND, "data": COMMAND, "schedule.timestamp": SCHEDULED_TIME}
_ENDED = {str(state) for state in ENDED}


class Tasks:
    """`/task/create/`, `/task/<id>/`, `/task/<id>/update/` and `/task/<id>/delete/`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def ask_new(self, req: Request, resp: Response) -> None:
        """Show the form of a new task."""
        await self._site.show(req, resp, "task_form.html", lambda _who: _asking({}))

    async def create(self, req: Request, resp: Response) -> None:
        """Make a task and lead to it."""
        await self._carry_out(req, resp, self._create, None)

    async def show(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show a task."""
        await self._site.show(req, resp, "task.html", lambda who: self._load(who, job_id))

    async def ask_update(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show the form of a task, with what it is now."""
        await self._site.show(req, resp, "task_form.html", lambda who: self._as_it_is(who, job_id))

    async def update(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Change a task and lead to it."""
        await self._carry_out(req, resp, lambda who, form: self._update(who, form, job_id), job_id)

    async def ask_delete(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Ask whether a task is to be deleted."""
        await self._site.show(req, resp, "task_delete.html", lambda who: self._load(who, job_id))

    async def delete(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Delete a task, and lead to the jobs."""

        def do(who: Asked, _form: Form) -> str:
            self._found(who.principal, job_id)
            editing.delete(who.principal, self._site.system, job_id)
            return "/dashboard/jobs?done=deleted"

        await self._site.act(req, resp, do)

    async def _carry_out(self, req: Request, resp: Response, do: Do, job_id: UUID | None) -> None:
        """Carry out a form and lead on, or show it again with what is wrong beside its fields."""
        form = await self._site.form(req)
        try:
            await self._site.carry_out(req, resp, form, do)
        except KeyReused:
            raise  # 422: this form was sent before
        except (InvalidInput, Forbidden) as refusal:
            resp.status = 403 if isinstance(refusal, Forbidden) else 400
            again = _asking(form, _errors(refusal), job_id)
            await self._site.show(req, resp, "task_form.html", lambda _who: again)

    def _create(self, who: Asked, form: Form) -> str:
        new = self._site.readers.new_command(who.principal, _given(who, form))
        apps.ensure(who.principal, self._site.system, new.app_name)  # a built-in one, made by its first job
        return f"/task/{creating.create(who.principal, self._site.system, new)}/?done=created"

    def _update(self, who: Asked, form: Form, job_id: UUID) -> str:
        self._found(who.principal, job_id)
        changed, given = self._site.readers.changed_command, _given(who, form)
        editing.edit(who.principal, self._site.system, job_id, lambda view: changed(who.principal, view, given))
        return f"/task/{job_id}/?done=updated"

    def _load(self, who: Asked, job_id: UUID) -> dict[str, Any]:
        view = self._found(who.principal, job_id)
        return {
            "job": view,
            "task": self._site.readers.command_as_shown(view),
            "is_over": str(view.status) in _ENDED,
        }

    def _as_it_is(self, who: Asked, job_id: UUID) -> dict[str, Any]:
        task = self._site.readers.command_as_shown(self._found(who.principal, job_id))
        at = task[SCHEDULED_TIME]
        typed = "" if at is None else instants_typed.shown(at, who.zone)
        return _asking({COMMAND: task[COMMAND], SCHEDULED_TIME: typed}, job_id=job_id)

    def _found(self, principal: Principal, job_id: UUID) -> JobView:
        """The task of this id. Raises `NotFound`, also for a job that is no command."""
        view = records.job(principal, job_id)
        if not self._site.readers.is_command(view):
            raise NotFound("task", job_id)
        return view


def _asking(
    values: Mapping[str, str], errors: Mapping[str, str] | None = None, job_id: UUID | None = None
) -> dict[str, Any]:
    """The form, with what was typed and what is wrong with it."""
    beside = {name: message for name, message in (errors or {}).items() if name in (COMMAND, SCHEDULED_TIME)}
    others = [message for name, message in (errors or {}).items() if name not in beside]
    return {"values": values, "errors": beside, "others": others, "job_id": job_id}


def _given(who: Asked, form: Form) -> dict[str, str]:
    """The JSON that a program would send; an instant without an offset is on the reader's clocks."""
    given = {name: form[name] for name in (COMMAND, SCHEDULED_TIME) if form.get(name)}
    if SCHEDULED_TIME in given:
        given[SCHEDULED_TIME] = instants_typed.read(given[SCHEDULED_TIME], who.zone)
    return given


def _errors(refusal: InvalidInput | Forbidden) -> dict[str, str]:
    if isinstance(refusal, Forbidden):
        return {"": str(refusal)}
    return {_PLACES.get(one.field, one.field): one.message for one in refusal.fields}
