"""What is due and waits, by reason."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.figures import ScopeQuery
from api.schemas.waiting import Waiting, WaitingGroup
from api.threads import Threads
from core.scopes import Scope
from services.reading import waiting
from services.reading.upcoming import next_calls
from services.system import System


class WaitingRuns:
    """`/api/waiting`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("listWaiting", "runs", {200: Waiting}, access=Required.ACCOUNT, scope=Scope.READ, query=ScopeQuery)
    async def on_get(self, req: Request, resp: Response) -> None:
        """List due runs that wait, grouped by queue, app, account and reason, the largest groups first."""
        answers.send(resp, await self._threads.run(self._grouped, req))

    def _grouped(self, req: Request) -> Waiting:
        found = waiting.grouped(access.principal(req), validation.query(ScopeQuery, req.params).wanted())
        now, next_at = self._system.clock.now(), next_calls.of_keys(self._system, found.keys)
        groups = [WaitingGroup.model_validate(one) for one in found.groups]
        told = [
            one.model_copy(update={"next_at": max(now, next_at[one.held_key])}) if one.held_key in next_at else one
            for one in groups
        ]
        return Waiting(groups=told, count=found.count, is_cut=found.is_cut)
