"""The caller's own tokens and sessions: make, list, end."""

from __future__ import annotations

from uuid import UUID

import falcon
from falcon.asgi import Request, Response

from api import access, answers, bodies, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.accounts import EndedAccess, MadeToken, NewToken, OwnToken, OwnTokens
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.access import own_tokens
from services.system import System


class TokensOfCaller:
    """`/api/me/tokens`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "listTokens", "accounts", {200: OwnTokens}, access=Required.ACCOUNT, scope=Scope.READ, problems=(401, 403)
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List one's own tokens and sessions, newest first: what each may do, until when, and when it was last used."""
        shown = access.token_of(req)
        found = await self._threads.run(own_tokens.listed, access.principal(req), self._system, shown)
        answers.send(resp, OwnTokens(results=[OwnToken.model_validate(one) for one in found]))

    @documented(
        "createToken",
        "accounts",
        {201: MadeToken},
        access=Required.ACCOUNT,
        scope=Scope.APP,
        body=NewToken,
        problems=(401, 403, 409),
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Make a token for a program. It is shown only once; where the answer is lost, revoke it and make another."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        made = await self._threads.run(self._create, access.principal(req), access.token_of(req), body)
        answers.send(resp, made, status=201)

    def _create(self, principal: Principal, shown: str | None, body: bytes) -> MadeToken:
        new = validation.body(NewToken, bodies.parse(body)).parsed()
        token, view = own_tokens.create(principal, self._system, new, shown)
        return MadeToken(**vars(view), token=token)


class TokenOfCaller:
    """`/api/me/tokens/{token_id}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "revokeToken", "accounts", {204: None}, access=Required.ACCOUNT, scope=Scope.APP, problems=(401, 403, 404)
    )
    async def on_delete(self, req: Request, resp: Response, token_id: UUID) -> None:
        """Revoke one of one's own tokens, or end one of one's sessions: it opens nothing from then on."""
        await self._threads.run(own_tokens.revoke, access.principal(req), self._system, token_id)
        resp.status = falcon.HTTP_NO_CONTENT


class SessionsOfCaller:
    """`/api/me/sessions`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "endOtherSessions",
        "accounts",
        {200: EndedAccess},
        access=Required.ACCOUNT,
        scope=Scope.APP,
        problems=(401, 403),
    )
    async def on_delete(self, req: Request, resp: Response) -> None:
        """End one's other sessions, and the tokens of other logins. Tokens that were made for programs stay."""
        shown = access.token_of(req)
        ended = await self._threads.run(own_tokens.end_others, access.principal(req), self._system, shown)
        answers.send(resp, EndedAccess(ended=ended))
