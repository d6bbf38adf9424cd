"""The installation: what holds for all apps at once."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, bodies, keys, pause_queries
from api.answers import Answer
from api.openapi import documented
from api.operations import Required
from api.schemas.apps import Installation
from api.schemas.audit import PauseQuery
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.reading.pauses import installation_pause
from services.scheduling import pauses
from services.system import System


class OneInstallation:
    """`/api/installation`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented(
        "getInstallation", "installation", {200: Installation}, access=Required.ADMINISTRATION, scope=Scope.READ
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """Show what holds for all apps at once."""
        answers.send(
            resp,
            Installation.model_validate(await self._threads.run(installation_pause.current, access.principal(req))),
        )


class PauseOfEverything:
    """`/api/installation/pause`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "pauseEverything",
        "installation",
        {200: Installation},
        access=Required.ADMINISTRATION,
        scope=Scope.OPERATE,
        query=PauseQuery,
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Pause everything: no run of any app starts until it is resumed, or until an instant. Again: until another."""
        given = pause_queries.asked(req)
        content = pause_queries.content(await bodies.raw(req, self._system.settings.max_body_bytes), given)
        await keys.answer_once(
            self._system,
            self._threads,
            req,
            resp,
            content=content,
            act=lambda: self._paused(access.principal(req), given),
        )

    def _paused(self, principal: Principal, given: PauseQuery) -> Answer:
        pauses.pause_everything(principal, self._system, given.reason, until=given.until)
        return answers.answer(Installation.model_validate(installation_pause.current(principal)))


class ResumptionOfEverything:
    """`/api/installation/resume`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "resumeEverything",
        "installation",
        {200: Installation},
        access=Required.ADMINISTRATION,
        scope=Scope.OPERATE,
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Resume everything, except apps and jobs that are paused themselves."""
        content = await bodies.raw(req, self._system.settings.max_body_bytes)
        await keys.answer_once(
            self._system, self._threads, req, resp, content=content, act=lambda: self._resumed(access.principal(req))
        )

    def _resumed(self, principal: Principal) -> Answer:
        pauses.resume_everything(principal, self._system)
        return answers.answer(Installation.model_validate(installation_pause.current(principal)))
