"""Workers, the processes that execute runs, and the others."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, reasons
from api.openapi import documented
from api.operations import Required
from api.schemas.audit import ReasonQuery
from api.schemas.figures import Process, Processes, Worker, Workers
from api.threads import Threads
from core.scopes import Scope
from services.execution import draining
from services.reading.installation import processes, workers
from services.reading.installation.workers import WorkerView
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


class OtherProcesses:
    """`/api/processes`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("listProcesses", "workers", {200: Processes}, access=Required.ADMINISTRATION, scope=Scope.READ)
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the other processes that were alive in the last day: web, coordinators, periodic."""
        found = await self._threads.run(processes.known, access.principal(req), self._system)
        answers.send(resp, Processes(results=[Process.model_validate(one) for one in found]))


class DrainOfWorker:
    """`/api/workers/{worker_id}/drain`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "drainWorker",
        "workers",
        {200: Worker},
        access=Required.ADMINISTRATION,
        scope=Scope.OPERATE,
        query=ReasonQuery,
        problems=(404, 409),
    )
    async def on_post(self, req: Request, resp: Response, worker_id: UUID) -> None:
        """Ask a worker to finish its runs and take no more; it hears it within HEARTBEAT_SECONDS.

        Restarted, it takes runs again, as another worker.
        """
        await self._put(draining.drain, req, resp, worker_id)

    @documented(
        "endDrainOfWorker",
        "workers",
        {200: Worker},
        access=Required.ADMINISTRATION,
        scope=Scope.OPERATE,
        query=ReasonQuery,
        problems=(404, 409),
    )
    async def on_delete(self, req: Request, resp: Response, worker_id: UUID) -> None:
        """End the drain of a worker: it takes runs again."""
        await self._put(draining.end_drain, req, resp, worker_id)

    async def _put(self, put: Callable[..., WorkerView], req: Request, resp: Response, worker_id: UUID) -> None:
        found = await self._threads.run(put, access.principal(req), self._system, worker_id, reasons.of(req))
        answers.send(resp, Worker.model_validate(found))
