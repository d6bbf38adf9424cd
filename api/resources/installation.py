"""The installation: what holds for all apps at once."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import answers
from api.openapi import documented
from api.schemas.apps import Installation
from api.threads import Threads
from services import pausing
from services.pausing import InstallationView
from services.system import System


class OneInstallation:
    """`/api/installation`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("getInstallation", "installation", {200: Installation})
    async def on_get(self, _req: Request, resp: Response) -> None:
        """See what holds for all apps at once."""
        answers.send(resp, Installation.model_validate(await self._threads.run(pausing.installation)))


class PauseOfEverything:
    """`/api/installation/pause`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("pauseEverything", "installation", {200: Installation})
    async def on_post(self, _req: Request, resp: Response) -> None:
        """Let nothing start, of any app, until everything is resumed."""
        answers.send(resp, Installation.model_validate(await self._threads.run(self._paused)))

    def _paused(self) -> InstallationView:
        pausing.pause_everything(self._system)
        return pausing.installation()


class ResumptionOfEverything:
    """`/api/installation/resume`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("resumeEverything", "installation", {200: Installation})
    async def on_post(self, _req: Request, resp: Response) -> None:
        """Let everything go on, but for apps and jobs that are paused themselves."""
        answers.send(resp, Installation.model_validate(await self._threads.run(self._resumed)))

    def _resumed(self) -> InstallationView:
        pausing.resume_everything(self._system)
        return pausing.installation()
