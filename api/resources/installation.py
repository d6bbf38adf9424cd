"""The installation: what holds for all apps at once."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers
from api.actions import Action
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


class PauseOfEverything(Action):
    """`/api/installation/pause`."""

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
        """Pause everything: no run starts until it is resumed, or until `until`. A second pause replaces `until`."""
        await self._by_pause(req, resp, self._pause)

    def _pause(self, principal: Principal, given: PauseQuery) -> Answer:
        pauses.pause_everything(principal, self._system, given.reason, until=given.until)
        return answers.answer(Installation.model_validate(installation_pause.current(principal)))


class ResumptionOfEverything(Action):
    """`/api/installation/resume`."""

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
        await self._by_path(req, resp, self._resume)

    def _resume(self, principal: Principal) -> Answer:
        pauses.resume_everything(principal, self._system)
        return answers.answer(Installation.model_validate(installation_pause.current(principal)))
