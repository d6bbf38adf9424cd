"""A caller's saved views of lists."""

from __future__ import annotations

from uuid import UUID

import falcon
from falcon.asgi import Request, Response

from api import access, answers, bodies, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.saved_views import NewView, View, Views, ViewsQuery
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.access import saved_views
from services.access.saved_views import ViewedList
from services.system import System


class SavedViews:
    """`/api/views`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("listViews", "views", {200: Views}, access=Required.ACCOUNT, scope=Scope.READ, query=ViewsQuery)
    async def on_get(self, req: Request, resp: Response) -> None:
        """List one's own saved views of the lists of jobs and runs, by name."""
        wanted = validation.query(ViewsQuery, req.params)
        found = await self._threads.run(saved_views.listed, access.principal(req), wanted.list)
        answers.send(resp, Views(results=[View.model_validate(one) for one in found]))

    @documented(
        "saveView", "views", {201: View}, access=Required.ACCOUNT, scope=Scope.READ, body=NewView, problems=(409,)
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Save a filter of a list under a name, in place of one's own view of that name."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        answers.send(resp, await self._threads.run(self._save, access.principal(req), body), status=201)

    def _save(self, principal: Principal, body: bytes) -> View:
        given = validation.body(NewView, bodies.parse(body))
        query, of_list = given.checked(), ViewedList(given.list)
        return View.model_validate(saved_views.put(principal, self._system, of_list, given.name, query))


class SavedView:
    """`/api/views/{view_id}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("deleteView", "views", {204: None}, access=Required.ACCOUNT, scope=Scope.READ, problems=(404,))
    async def on_delete(self, req: Request, resp: Response, view_id: UUID) -> None:
        """Delete one of one's own saved views."""
        await self._threads.run(saved_views.delete, access.principal(req), self._system, view_id)
        resp.status = falcon.HTTP_NO_CONTENT
