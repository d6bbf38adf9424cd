"""Apps: where to call back, and how their task types are retried."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, bodies, edit_bodies, keys, read_only, validation
from api.answers import Answer
from api.openapi import documented
from api.operations import Required
from api.schemas.apps import App, NamedApp, NewApp, WholeApp
from api.threads import Threads
from core.errors import InvalidInput, NotFound
from core.principals import Principal
from services.jobs import apps
from services.jobs.apps import AppView
from services.scheduling import pauses
from services.system import System


class OneApp:
    """`/api/apps/{name}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("getApp", "apps", {200: App}, access=Required.ADMINISTRATION, problems=(404,))
    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        """Show an app."""
        expect_name(name)
        answers.send(resp, App.model_validate(await self._threads.run(apps.get, access.principal(req), name)))

    @documented("putApp", "apps", {200: App, 201: App}, access=Required.ADMINISTRATION, body=WholeApp)
    async def on_put(self, req: Request, resp: Response, name: str) -> None:
        """Create or replace an app; members that cannot be changed may be sent back as they are shown."""
        principal, most = access.principal(req), self._system.settings.max_body_bytes
        body = await edit_bodies.of(req, most, self._threads, lambda: _shown(principal, name))
        view, is_new = await self._threads.run(self._put, principal, name, body)
        answers.send(resp, App.model_validate(view), status=201 if is_new else 200)

    def _put(self, principal: Principal, name: str, body: bytes) -> tuple[AppView, bool]:
        _check_name(name)
        value, shown = validation.json_object(bodies.parse(body)), _shown(principal, name)
        if shown is not None:
            value = read_only.without_read_only(value, shown.model_dump(mode="json"), NewApp.model_fields, "app")
        new = validation.body(NewApp, value)
        return apps.put(principal, self._system, name, new.callback_base_url, new.policies())


class PauseOfApp:
    """`/api/apps/{name}/pause`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("pauseApp", "apps", {200: App}, access=Required.ADMINISTRATION, problems=(404,), takes_key=True)
    async def on_post(self, req: Request, resp: Response, name: str) -> None:
        """Pause an app: none of its runs starts until it is resumed."""
        expect_name(name)
        content = await bodies.raw(req, self._system.settings.max_body_bytes)
        await keys.answer_once(
            self._system,
            self._threads,
            req,
            resp,
            content=content,
            act=lambda: self._paused(access.principal(req), name),
        )

    def _paused(self, principal: Principal, name: str) -> Answer:
        pauses.pause_app(principal, self._system, name)
        return answers.answer(App.model_validate(apps.get(principal, name)))


class ResumptionOfApp:
    """`/api/apps/{name}/resume`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("resumeApp", "apps", {200: App}, access=Required.ADMINISTRATION, problems=(404,), takes_key=True)
    async def on_post(self, req: Request, resp: Response, name: str) -> None:
        """Resume an app, except its jobs that are paused themselves."""
        expect_name(name)
        content = await bodies.raw(req, self._system.settings.max_body_bytes)
        await keys.answer_once(
            self._system,
            self._threads,
            req,
            resp,
            content=content,
            act=lambda: self._resumed(access.principal(req), name),
        )

    def _resumed(self, principal: Principal, name: str) -> Answer:
        pauses.resume_app(principal, self._system, name)
        return answers.answer(App.model_validate(apps.get(principal, name)))


def _shown(principal: Principal, name: str) -> App | None:
    """Returns the app as it is shown, if it exists."""
    try:
        return App.model_validate(apps.get(principal, name))
    except NotFound:
        return None


def expect_name(name: str) -> None:
    """Raise `NotFound` for a name that no app can have."""
    try:
        _check_name(name)
    except InvalidInput:
        raise NotFound("app", ascii(name)) from None


def _check_name(name: str) -> None:
    """Raise `InvalidInput` for a name that no app can have."""
    if message := bodies.bad_text(name):
        raise InvalidInput.at("name", message)
    validation.body(NamedApp, {"name": name})
