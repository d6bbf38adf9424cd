"""The secrets that an app's callbacks and requests are signed with."""

from __future__ import annotations

from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, bodies, validation
from api.answers import Answer
from api.openapi import documented
from api.operations import Required
from api.resources.apps import expect_name
from api.schemas.signing_secrets import MadeSigningSecret, NewSigningSecret, SigningSecret, SigningSecrets
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.secrets import signing
from services.system import System


class SigningSecretsOfApp:
    """`/api/apps/{name}/signing-secrets`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "listSigningSecrets", "apps", {200: SigningSecrets}, access=Required.APP, scope=Scope.APP, problems=(404,)
    )
    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        """List the secrets that sign an app's callbacks and requests, newest first, without their values."""
        expect_name(name)
        found = await self._threads.run(signing.of_app, access.principal(req), name)
        answers.send(resp, SigningSecrets(results=[SigningSecret.model_validate(one) for one in found]))

    @documented(
        "addSigningSecret",
        "apps",
        {200: MadeSigningSecret, 201: MadeSigningSecret},
        access=Required.APP,
        scope=Scope.APP,
        body=NewSigningSecret,
        problems=(403, 404),
    )
    async def on_post(self, req: Request, resp: Response, name: str) -> None:
        """Add a signing secret; it is shown only once. It signs beside the former one; older ones sign no more."""
        expect_name(name)
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        answers.give(resp, await self._threads.run(self._add, access.principal(req), name, body))

    def _add(self, principal: Principal, name: str, body: bytes) -> Answer:
        given = validation.body(NewSigningSecret, bodies.parse_if_any(body))
        view, secret, is_new = signing.add(principal, self._system, name, given.secret)
        made = MadeSigningSecret(id=view.id, masked=view.masked, created_at=view.created_at, secret=secret)
        return answers.answer(made, 201 if is_new else 200)


class OneSigningSecret:
    """`/api/apps/{name}/signing-secrets/{secret_id}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("deleteSigningSecret", "apps", {204: None}, access=Required.APP, scope=Scope.APP, problems=(404, 409))
    async def on_delete(self, req: Request, resp: Response, name: str, secret_id: UUID) -> None:
        """Delete a signing secret; the last one cannot be deleted."""
        expect_name(name)
        await self._threads.run(signing.delete, access.principal(req), self._system, name, secret_id)
        resp.status = 204
