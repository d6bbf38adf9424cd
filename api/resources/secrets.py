"""The secrets that an app's requests name, which can be written and never read."""

from __future__ import annotations

from typing import Any

from falcon.asgi import Request, Response

from api import access, answers, bodies, validation
from api.openapi import documented
from api.operations import Required
from api.resources.apps import expect_name
from api.schemas.secrets import NewSecret, Secret, Secrets
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.secrets import named
from services.system import System


class SecretsOfApp:
    """`/api/apps/{name}/secrets`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("listSecrets", "apps", {200: Secrets}, access=Required.APP, scope=Scope.APP, problems=(404,))
    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        """List the names of an app's secrets."""
        expect_name(name)
        found = await self._threads.run(named.of_app, access.principal(req), name)
        answers.send(resp, Secrets(results=[Secret.model_validate(one) for one in found]))


class OneSecret:
    """`/api/apps/{name}/secrets/{secret_name}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "putSecret",
        "apps",
        {201: None, 204: None},
        access=Required.APP,
        scope=Scope.APP,
        body=NewSecret,
        problems=(403, 404, 409),
    )
    async def on_put(self, req: Request, resp: Response, name: str, secret_name: str) -> None:
        """Store a new secret or replace a value; requests use it within 5 seconds."""
        expect_name(name)
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        is_new = await self._threads.run(self._put, access.principal(req), name, secret_name, body)
        resp.status = 201 if is_new else 204

    def _put(self, principal: Principal, name: str, secret_name: str, body: bytes) -> bool:
        return named.put(principal, self._system, name, secret_name, value_of(bodies.parse(body)))

    @documented("deleteSecret", "apps", {204: None}, access=Required.APP, scope=Scope.APP, problems=(404,))
    async def on_delete(self, req: Request, resp: Response, name: str, secret_name: str) -> None:
        """Delete a secret; requests that still name it fail."""
        expect_name(name)
        await self._threads.run(named.delete, access.principal(req), self._system, name, secret_name)
        resp.status = 204


def value_of(body: Any) -> str:
    """Returns the value of a secret that an app is given."""
    return validation.body(NewSecret, body).value
