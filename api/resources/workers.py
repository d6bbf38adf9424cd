"""Workers: the processes that execute runs."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers
from api.openapi import documented
from api.operations import Required
from api.schemas.figures import Worker, Workers
from api.threads import Threads
from core.scopes import Scope
from services.reading import workers
from services.system import System


class AllWorkers:
    """`/api/workers`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("listWorkers", "workers", {200: Workers}, access=Required.ADMINISTRATION, scope=Scope.READ)
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the workers that were alive in the last day."""
        found = await self._threads.run(workers.known, access.principal(req), self._system)
        answers.send(resp, Workers(results=[Worker.model_validate(one) for one in found]))
