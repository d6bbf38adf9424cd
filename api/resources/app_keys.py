"""Keys of apps: make, list, revoke."""

from __future__ import annotations

from uuid import UUID

import falcon
from falcon.asgi import Request, Response

from api import access, answers, bodies, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.app_keys import Key, Keys, MadeKey, NewKey
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.access import app_keys
from services.system import System


class KeysOfApp:
    """`/api/apps/{name}/keys`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("listKeys", "apps", {200: Keys}, access=Required.APP, scope=Scope.APP, problems=(403, 404))
    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        """List an app's keys, newest first: what each may do, and when it was last used."""
        found = await self._threads.run(app_keys.listed, access.principal(req), name)
        answers.send(resp, Keys(results=[Key.model_validate(one) for one in found]))

    @documented(
        "createKey",
        "apps",
        {201: MadeKey},
        access=Required.APP,
        scope=Scope.APP,
        body=NewKey,
        problems=(403, 404, 409),
    )
    async def on_post(self, req: Request, resp: Response, name: str) -> None:
        """Make a key of an app. It is shown only once; where the answer is lost, revoke it and make another."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        made = await self._threads.run(self._create, access.principal(req), name, body)
        answers.send(resp, made, status=201)

    def _create(self, principal: Principal, name: str, body: bytes) -> MadeKey:
        new = validation.body(NewKey, bodies.parse(body)).parsed()
        key, view = app_keys.create(principal, self._system, name, new)
        return MadeKey(**vars(view), key=key)


class OneKey:
    """`/api/apps/{name}/keys/{key_id}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("revokeKey", "apps", {204: None}, access=Required.APP, scope=Scope.APP, problems=(403, 404))
    async def on_delete(self, req: Request, resp: Response, name: str, key_id: UUID) -> None:
        """Revoke a key: it is refused within five seconds."""
        await self._threads.run(app_keys.revoke, access.principal(req), self._system, name, key_id)
        resp.status = falcon.HTTP_NO_CONTENT
