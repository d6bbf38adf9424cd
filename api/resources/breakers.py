"""Breakers of destinations: list open ones, and close a breaker by hand."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from api import access, answers, reasons
from api.openapi import documented
from api.operations import Required
from api.schemas.audit import ReasonQuery
from api.schemas.breakers import OpenBreaker, OpenBreakers
from api.threads import Threads
from core.scopes import Scope
from services.execution.breakers import close as close_breaker
from services.reading.failures import breakers
from services.system import System


class AllBreakers:
    """`/api/breakers`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("listBreakers", "limits", {200: OpenBreakers}, access=Required.ACCOUNT, scope=Scope.READ)
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the open circuit breakers of the caller's apps; operators see those of all apps."""
        found = await self._threads.run(breakers.listed, access.principal(req))
        answers.send(resp, OpenBreakers(results=[OpenBreaker.model_validate(one) for one in found]))


class OneBreaker:
    """`/api/breakers/{key}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "closeBreaker",
        "limits",
        {204: None},
        access=Required.ACCOUNT,
        scope=Scope.OPERATE,
        query=ReasonQuery,
        problems=(403, 404),
    )
    async def on_delete(self, req: Request, resp: Response, key: str) -> None:
        """Close a breaker, for example once the receiver is mended; the runs that it holds go on."""
        await self._threads.run(close_breaker, access.principal(req), self._system, key, reasons.of(req))
        resp.status = falcon.HTTP_NO_CONTENT
