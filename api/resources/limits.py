"""Limits by key: what a key allows, how much of it is used, and what waits for it."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from api import access, answers, bodies, lists, preconditions, reasons, validation
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.preconditions import IfMatchTagHeader
from api.schemas.audit import ReasonQuery
from api.schemas.limits import HeldLimit, LimitOfKey, LimitPage, LimitsQuery, NewLimit, show, show_with_uses
from api.threads import Threads
from core.etags import Expected
from core.principals import Principal
from core.scopes import Scope
from services.execution import limit_changes
from services.reading import limit_uses, limits
from services.reading.limits import LimitView
from services.system import System


class AllLimits:
    """`/api/limits`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("listLimits", "limits", {200: LimitPage}, access=Required.ACCOUNT, scope=Scope.READ, query=LimitsQuery)
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the limited keys of the caller's apps, by name: their use, and what waits; all of them for operators."""
        lists.send(resp, await self._threads.run(self._list, req))

    def _list(self, req: Request) -> Listed:
        query = validation.query(LimitsQuery, req.params)
        found, more = limits.listed(access.principal(req), self._system, query.after, query.limit)
        links = lists.by_name(req, found[-1].key if more else None)
        results = lists.readable(show, found)
        return lists.listed(LimitPage(next=links.get("next"), results=results), links)


class OneLimit:
    """`/api/limits/{key}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "getLimit", "limits", {200: HeldLimit}, access=Required.ACCOUNT, scope=Scope.READ, problems=(400, 403, 404)
    )
    async def on_get(self, req: Request, resp: Response, key: str) -> None:
        """Show a limited key, its use, and which runs hold it; `GET /api/runs?held_key=` lists those that wait.

        Its ETag is that of the limit, whatever its use.
        """
        view, uses = await self._threads.run(limit_uses.of_key, access.principal(req), self._system, key)
        preconditions.set_etag(resp, view.etag)
        answers.send(resp, show_with_uses(view, uses))

    @documented(
        "putLimit",
        "limits",
        {200: LimitOfKey, 201: LimitOfKey},
        access=Required.ACCOUNT,
        scope=Scope.APP,
        headers=IfMatchTagHeader,
        body=NewLimit,
        problems=(403, 404, 409, 412),
    )
    async def on_put(self, req: Request, resp: Response, key: str) -> None:
        """Limit a key: `installation`, `app:NAME`, `account:APP/ACCOUNT`, `host:HOST`, `job:ID` or `key:APP/NAME`.

        It is in force within a second; calls that are under way count. A weight is in force at once. Keys of an app are
        for its owners, those of hosts and of the installation and weights above 1 for administrators; a weight below 1
        that an administrator put is not for owners to change.
        """
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        expected = preconditions.expected_etags(req)
        view, is_new = await self._threads.run(self._put, access.principal(req), key, body, expected)
        preconditions.set_etag(resp, view.etag)
        answers.send(resp, show(view), status=201 if is_new else 200)

    def _put(self, principal: Principal, key: str, body: bytes, expected: Expected) -> tuple[LimitView, bool]:
        wanted = validation.body(NewLimit, bodies.parse(body))
        return limit_changes.put(principal, self._system, key, wanted.parsed(), expected)

    @documented(
        "deleteLimit",
        "limits",
        {204: None},
        access=Required.ACCOUNT,
        scope=Scope.APP,
        headers=IfMatchTagHeader,
        query=ReasonQuery,
        problems=(403, 404, 412),
    )
    async def on_delete(self, req: Request, resp: Response, key: str) -> None:
        """Delete a key's limit; the runs that it holds go on."""
        expected, reason = preconditions.expected_etags(req), reasons.of(req)
        await self._threads.run(limit_changes.delete, access.principal(req), self._system, key, reason, expected)
        resp.status = falcon.HTTP_NO_CONTENT
