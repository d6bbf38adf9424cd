"""Pause and resume an app as a whole."""

from __future__ import annotations

from functools import partial

from falcon.asgi import Request, Response

from api import answers
from api.actions import Action
from api.answers import Answer
from api.openapi import documented
from api.operations import Required
from api.schemas.apps import App
from api.schemas.audit import PauseQuery
from core.principals import Principal
from core.scopes import Scope
from services.apps import apps
from services.scheduling import pauses


class PauseOfApp(Action):
    """`/api/apps/{name}/pause`."""

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
        """Pause an app: no run of it starts until it is resumed, or until `until`. A second pause replaces `until`."""
        await self._by_pause(req, resp, partial(self._pause, name))

    def _pause(self, name: str, principal: Principal, given: PauseQuery) -> Answer:
        pauses.pause_app(principal, self._system, name, given.reason, until=given.until)
        return answers.answer(App.model_validate(apps.get(principal, name)))


class ResumptionOfApp(Action):
    """`/api/apps/{name}/resume`."""

    @documented(
        "resumeApp", "apps", {200: App}, access=Required.APP, scope=Scope.OPERATE, problems=(404,), takes_key=True
    )
    async def on_post(self, req: Request, resp: Response, name: str) -> None:
        """Resume an app, except its jobs that are paused themselves."""
        await self._by_path(req, resp, partial(self._resume, name))

    def _resume(self, name: str, principal: Principal) -> Answer:
        pauses.resume_app(principal, self._system, name)
        return answers.answer(App.model_validate(apps.get(principal, name)))
