"""Access: authenticate the caller, and check what an operation requires. In one place, for HTTP and WebSocket.

`core/principals.py` decides which jobs a principal may see, and in which scopes they may act.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import falcon
from falcon.asgi import Request, Response, WebSocket

from api import incoming, posted_forms, sites
from api.bodies import MAX_BYTES_OPEN_TO_ALL, BodyTooLarge
from api.forms import OVERHEAD_BYTES
from api.incoming import Bodies
from api.operations import Found, Operation, Required, Routes
from api.origins import Origins
from api.quotas import RequestQuotas
from api.sites import COOKIE
from api.threads import PERSON, Threads
from core.accounts import TokenKind
from core.principals import LOCAL, Principal, PrincipalKind
from core.scopes import Scope
from services.access import authentication, visible_apps
from services.access.app_keys import MARK as KEY_MARK
from services.access.known_keys import KnownKeys
from services.access.tokens import MARK as TOKEN_MARK
from services.access.wrong_secrets import WrongSecrets
from services.reading import visibility
from services.system import System

SCHEME = "Token"
BEARER = "bearer"
_OUR_MARKS = (KEY_MARK, TOKEN_MARK)
_EXPECTATIONS: dict[Required, Callable[[Principal, Any, Scope], None]] = {
    Required.JOB: visibility.expect,
    Required.RUN: visibility.expect_run,
    Required.APP: visible_apps.expect,
}
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_EDITS = ("PUT", "PATCH")  # may be as large as the thing they edit, so their resources limit them


def principal(req: Request) -> Principal:
    """Returns the principal of a request."""
    found: Principal = req.context.principal
    return found


def token_of(req: Request) -> str | None:
    """Returns the token or key in a request's header, else that of its session cookie."""
    shown = _shown(req)
    if shown is not None:
        return shown
    return sites.cookie(req, COOKIE)


def refuse_two_credentials(req: Request) -> None:
    """Raise 400 for a token or key in a header beside a session cookie: they may be of two users."""
    if _shows_token(req) and sites.cookie(req, COOKIE):
        raise falcon.HTTPBadRequest(
            description=f"The request has a token or key in a header, and a session in the cookie {COOKIE}, "
            "which may be of two users. Leave out one of the two."
        )


def unauthorized(description: str, *challenges: str) -> falcon.HTTPUnauthorized:
    """Returns the 401 for a caller who is not authenticated."""
    return falcon.HTTPUnauthorized(description=description, challenges=[*challenges, SCHEME])


class Access:
    """Establishes the principal of each request and each WebSocket handshake, and refuses what they may not do.

    This happens before Falcon routes, so that strangers do not learn which paths exist.
    """

    def __init__(
        self,
        system: System,
        threads: Threads,
        quotas: RequestQuotas,
        origins: Origins,
        routes: Routes,
        *,
        wrong_secrets: WrongSecrets,
    ) -> None:
        settings = system.settings
        self._system = system
        self._keys = KnownKeys(system)
        self._threads = threads
        self._quotas = quotas
        self._wrong_secrets = wrong_secrets
        self._origins = origins
        self._routes = routes
        self._bodies = Bodies(system)
        self._most = settings.max_body_bytes
        self._most_of_a_file = settings.max_upload_bytes + OVERHEAD_BYTES
        self._anonymous = settings.anonymous
        self._secret = settings.internal_secret.get_secret_value().encode() if settings.internal_secret else b""

    async def process_request(self, req: Request, _resp: Response) -> None:
        found = self._routes.found(req)
        await self._admit(req, found.operation, from_own_site=req.method not in _SAFE_METHODS)
        self._refuse_too_large(req, found.operation)
        await self._expect_allowed(req, found)
        rest = incoming.of(req)
        if rest is not None:
            self._bodies.admit(rest, principal(req), found.operation, partial(self._check_again, req, found))

    async def process_response(self, req: Request, _resp: Response, _resource: Any, _well: bool) -> None:
        rest = incoming.of(req)
        if rest is not None:
            rest.end()

    async def process_request_ws(self, req: Request, _ws: WebSocket) -> None:
        found = self._routes.found(req)
        # Browsers let a page open a channel to any site, with that site's cookies, and read from it.
        await self._admit(req, found.operation, from_own_site=True)
        await self._expect_allowed(req, found)

    async def again(self, reqs: Mapping[str, Request]) -> dict[str, Principal]:
        """Returns, by its token, the principal of each of these requests whose token is still valid.

        This does not count as a use of them, so that a channel left open keeps no session alive.
        """
        known = await self._threads.run(self._looked_up_again, reqs)
        scopes = {token: self._routes.found(reqs[token]).operation.scope for token in known}
        return {token: one for token, one in known.items() if scopes[token] in one.scopes}

    async def _admit(self, req: Request, operation: Operation, *, from_own_site: bool) -> None:
        """Establish the principal. Raises for unauthenticated callers, unless the operation is open to them."""
        if self._anonymous:
            sites.refuse_other_hosts(req)
        if from_own_site and not self._is_invited(req):
            sites.refuse_other_sites(req)
        known = None if operation.access.is_open else await self._known(req)
        shows_secret = self._shows_secret(req)
        self._establish(req, operation, known, shows_secret=shows_secret)
        if not shows_secret:
            await self._quotas.count(req, operation)
        if not operation.access.is_open:
            _refuse_strangers(req, known)

    async def _check_again(self, req: Request, found: Found) -> None:
        """Establish the principal again, as of now. Raises as `process_request` does; this is no further request."""
        if found.operation.access.is_open:
            return
        token = token_of(req)
        known = None if token is None else await self._threads.run(self._looked_up, req, token)
        self._establish(req, found.operation, known, shows_secret=self._shows_secret(req))
        _refuse_strangers(req, known)
        await self._expect_allowed(req, found)

    def _establish(self, req: Request, operation: Operation, known: Principal | None, *, shows_secret: bool) -> None:
        found = self._principal(operation, known, shows_secret=shows_secret)
        request_id, trace = req.context.get("request_id"), req.context.get("trace")
        req.context.principal = replace(found, address=req.remote_addr, request_id=request_id, trace=trace)
        PERSON.set(found.person_id)

    async def _known(self, req: Request) -> Principal | None:
        """Returns the principal whose token, key or session a request carries."""
        token = token_of(req)
        if token is None:
            return None
        remembered = self._keys.remembered(token) if _shows_key(req, token) else None
        return remembered or await self._threads.run(self._looked_up, req, token)

    def _looked_up(self, req: Request, token: str) -> Principal | None:
        def look_up() -> Principal | None:
            if _shows_key(req, token):
                return self._keys.looked_up(token)
            return authentication.of_token(self._system, token, _kind(req))

        return self._wrong_secrets.looked_up(token, req.remote_addr, look_up)

    def _looked_up_again(self, reqs: Mapping[str, Request]) -> dict[str, Principal]:
        keys = {token for token, req in reqs.items() if _shows_key(req, token)}
        of_keys = {key: found for key in keys if (found := self._keys.looked_up(key)) is not None}
        others = {token: _kind(req) for token, req in reqs.items() if token not in keys}
        return of_keys | authentication.of_tokens(self._system, others)

    def _principal(self, operation: Operation, known: Principal | None, *, shows_secret: bool) -> Principal:
        if known is not None:
            return known
        if self._anonymous:
            return LOCAL
        if shows_secret:
            return Principal(PrincipalKind.OPERATOR, credential="secret")
        is_receiver = operation.access is Required.RECEIVER
        return Principal(PrincipalKind.RECEIVER if is_receiver else PrincipalKind.VISITOR)

    async def _expect_allowed(self, req: Request, found: Found) -> None:
        """Raises `Forbidden` or `NotFound` if the principal lacks what the operation requires."""
        caller, wanted = principal(req), found.operation
        if wanted.access.is_open or wanted.scope is None:
            return
        wanted.expect(caller)
        expect = _EXPECTATIONS.get(wanted.access)
        if expect is not None and found.key is not None and not caller.sees_all:
            await self._threads.run(expect, caller, found.key, wanted.scope)

    def _is_invited(self, req: Request) -> bool:
        """Whether a page of an allowed origin sent the request, without the session that browsers add by themselves.

        Posted forms are accepted from our own pages only: browsers send them without a preflight, and one may log in.
        """
        return self._origins.allows(req) and sites.cookie(req, COOKIE) is None and not posted_forms.is_form(req)

    def _shows_secret(self, req: Request) -> bool:
        if self._anonymous:
            return False
        given = (req.get_header("X-Internal-Secret") or _bearer(req)).encode("latin-1", "replace")
        return hmac.compare_digest(given, self._secret)

    def _refuse_too_large(self, req: Request, operation: Operation) -> None:
        """Refuse a body that declares too large a length; where it declares none, its resource counts what comes."""
        if operation.access is Required.NOTHING:
            most = min(MAX_BYTES_OPEN_TO_ALL, self._most)
        elif req.method in _EDITS:
            return
        else:
            most = self._most_of_a_file if operation.takes_file else self._most
        if (req.content_length or 0) > most:
            raise BodyTooLarge(most)


def _refuse_strangers(req: Request, known: Principal | None) -> None:
    if known is None and _shows_token(req) and principal(req).kind is not PrincipalKind.OPERATOR:
        raise unauthorized("The token or key is wrong, revoked or has expired. Log in again with POST /api/login/.")
    if known is None and not principal(req).is_trusted:
        raise unauthorized(
            "The header X-Internal-Secret is missing or wrong. Send the server's INTERNAL_SECRET, "
            "or the token of a user, or the key of an app, as Authorization: Bearer.",
            "X-Internal-Secret",
        )


def _bearer(req: Request) -> str:
    """Returns the bearer token of a request: the form in which Prometheus can show the secret."""
    scheme, token = _authorization(req)
    return token if scheme == BEARER else ""


def _shows_key(req: Request, token: str) -> bool:
    return _shows_token(req) and token.startswith(KEY_MARK)


def _kind(req: Request) -> TokenKind:
    """Returns what kind of token of a user a request carries."""
    return TokenKind.TOKEN if _shows_token(req) else TokenKind.SESSION


def _shows_token(req: Request) -> bool:
    """Whether a header of a request carries one of our tokens or keys."""
    return _shown(req) is not None


def _shown(req: Request) -> str | None:
    """Returns our token or key in a request's headers; bearer tokens of other kinds are ignored.

    An app that was written for its own shared secret sends its key as X-Internal-Secret.
    """
    scheme, token = _authorization(req)
    if scheme == SCHEME.lower() or (scheme == BEARER and token.startswith(_OUR_MARKS)):
        return token
    secret = req.get_header("X-Internal-Secret") or ""
    return secret if secret.startswith(KEY_MARK) else None


def _authorization(req: Request) -> tuple[str, str]:
    """Returns the scheme of the header Authorization, in lower case, and what follows it; both empty without one."""
    scheme, _, rest = (req.auth or "").partition(" ")
    return scheme.lower(), rest.strip()
