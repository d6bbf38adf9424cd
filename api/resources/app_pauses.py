"""Pause and resume an app as a whole."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, bodies, keys, pause_queries
from api.answers import Answer
from api.openapi import documented
from api.operations import Required
from api.schemas.apps import App
from api.schemas.audit import PauseQuery
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.apps import apps
from services.scheduling import pauses
from services.system import System


class PauseOfApp:
    """`/api/apps/{name}/pause`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "pauseApp",
        "apps",
        {200: App},
        access=Required.APP,
        scope=Scope.OPERATE,
        query=PauseQuery,
        problems=(404,),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response, name: str) -> None:
        """Pause an app: none of its runs starts until it is resumed, or until an instant. Again: until another one."""
        given = pause_queries.asked(req)
        content = pause_queries.content(await bodies.raw(req, self._system.settings.max_body_bytes), given)
        await keys.answer_once(
            self._system,
            self._threads,
            req,
            resp,
            content=content,
            act=lambda: self._paused(access.principal(req), name, given),
        )

    def _paused(self, principal: Principal, name: str, given: PauseQuery) -> Answer:
        pauses.pause_app(principal, self._system, name, given.reason, until=given.until)
        return answers.answer(App.model_validate(apps.get(principal, name)))


class ResumptionOfApp:
    """`/api/apps/{name}/resume`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "resumeApp", "apps", {200: App}, access=Required.APP, scope=Scope.OPERATE, problems=(404,), takes_key=True
    )
    async def on_post(self, req: Request, resp: Response, name: str) -> None:
        """Resume an app, except its jobs that are paused themselves."""
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
