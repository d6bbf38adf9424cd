"""The audit log: who changed what, and why."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, lists, validation
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.schemas.audit import AuditEntry, AuditPage, AuditQuery
from api.threads import Threads
from core.listing import NEWEST_FIRST, Mark
from core.scopes import Scope
from services.access import audit


class AuditLog:
    """`/api/audit`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("listAudit", "audit", {200: AuditPage}, access=Required.ACCOUNT, scope=Scope.APP, query=AuditQuery)
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the changes in the apps that the caller owns, newest first; administrators get all changes."""
        lists.send(resp, await self._threads.run(self._list, req))

    def _list(self, req: Request) -> Listed:
        query = validation.query(AuditQuery, req.params)
        found, more = audit.listed(access.principal(req), query.wanted(), query.after_id(), query.limit)
        links = lists.by_cursor(req, query, Mark(found[-1].id) if more else None, NEWEST_FIRST)
        results = lists.readable(AuditEntry.model_validate, found)
        return lists.listed(AuditPage(next=links.get("next"), results=results), links)
