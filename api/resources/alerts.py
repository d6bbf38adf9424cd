"""Open alerts: the jobs that fail each time or are late."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.alerts import AlertsQuery, OpenAlerts
from api.threads import Threads
from core.scopes import Scope
from services.reading.failures import open_alerts


class AllOpenAlerts:
    """`/api/alerts`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented(
        "listOpenAlerts", "jobs", {200: OpenAlerts}, access=Required.ACCOUNT, scope=Scope.READ, query=AlertsQuery
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the active jobs whose owners were alerted and that have not recovered since."""
        answers.send(resp, await self._threads.run(self._listed, req))

    def _listed(self, req: Request) -> OpenAlerts:
        query = validation.query(AlertsQuery, req.params)
        return OpenAlerts.model_validate(open_alerts.listed(access.principal(req), query.wanted()))
