"""Coming runs, across jobs."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, lists, validation
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.schemas.figures import Upcoming, UpcomingList, UpcomingQuery
from api.threads import Threads
from core.scopes import Scope
from services.reading.upcoming import upcoming_runs
from services.system import System


class UpcomingRuns:
    """`/api/upcoming`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "listUpcoming", "runs", {200: UpcomingList}, access=Required.ACCOUNT, scope=Scope.READ, query=UpcomingQuery
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List coming runs of all jobs, soonest first; paused jobs are left out."""
        lists.send(resp, await self._threads.run(self._list, req))

    def _list(self, req: Request) -> Listed:
        query = validation.query(UpcomingQuery, req.params)
        who, wanted = access.principal(req), query.wanted()
        found = upcoming_runs.coming(who, self._system, wanted, query.seconds, query.limit, start=query.start)
        return lists.listed(UpcomingList(results=lists.readable(Upcoming.model_validate, found)), {})
