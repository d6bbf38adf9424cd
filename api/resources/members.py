"""Members of apps: who has which role."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from api import access, answers, bodies, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.members import Member, Members, NewRole
from api.threads import Threads
from core.principals import Principal
from core.scopes import Role, Scope
from services.apps import members
from services.apps.members import MemberView
from services.system import System


class MembersOfApp:
    """`/api/apps/{name}/members`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("listMembers", "apps", {200: Members}, access=Required.APP, scope=Scope.APP, problems=(403, 404))
    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        """List an app's members, by name."""
        found = await self._threads.run(members.listed, access.principal(req), name)
        answers.send(resp, Members(results=[Member.model_validate(one) for one in found]))


class OneMember:
    """`/api/apps/{name}/members/{username}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("getMember", "apps", {200: Member}, access=Required.APP, scope=Scope.APP, problems=(403, 404))
    async def on_get(self, req: Request, resp: Response, name: str, username: str) -> None:
        """Look at a member."""
        found = await self._threads.run(members.get, access.principal(req), name, username)
        answers.send(resp, Member.model_validate(found))

    @documented(
        "putMember",
        "apps",
        {200: Member, 201: Member},
        access=Required.APP,
        scope=Scope.APP,
        body=NewRole,
        problems=(403, 404, 409),
    )
    async def on_put(self, req: Request, resp: Response, name: str, username: str) -> None:
        """Give a user a role in an app. An app that has members keeps an owner among them."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        view, is_new = await self._threads.run(self._put, access.principal(req), name, username, body)
        answers.send(resp, Member.model_validate(view), status=201 if is_new else 200)

    def _put(self, principal: Principal, name: str, username: str, body: bytes) -> tuple[MemberView, bool]:
        role = Role(validation.body(NewRole, bodies.parse(body)).role)
        return members.put(principal, self._system, name, username, role)

    @documented("removeMember", "apps", {204: None}, access=Required.APP, scope=Scope.APP, problems=(403, 404, 409))
    async def on_delete(self, req: Request, resp: Response, name: str, username: str) -> None:
        """Take a user out of an app."""
        await self._threads.run(members.remove, access.principal(req), self._system, name, username)
        resp.status = falcon.HTTP_NO_CONTENT
