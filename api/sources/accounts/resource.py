"""002 and 004: register, log in and log out, by the API or by a page's form."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from api import access, answers, posted_forms, sessions, sites
from api.access import unauthorized
from api.hashing import Hashing
from api.openapi import documented
from api.operations import Required
from api.sites import COOKIE
from api.sources.accounts.schema import Credentials, LoggedIn, Registration, ShownUser
from api.threads import Threads
from core.accounts import TokenKind
from services.access import registering, tokens, users
from services.access.users import UserView
from services.system import System

DASHBOARD = "/dashboard/"


class Accounts(Hashing):
    """What its paths share, of forms and of JSON."""

    async def _register(self, req: Request) -> UserView:
        given = (await self._sent(Registration, req)).parsed()
        return await self._hashing.run(
            registering.register,
            self._system,
            given,
            req.remote_addr or "",
            self._throttle,
            trusted=access.principal(req).is_trusted,
        )

    async def _log_in(self, req: Request, kind: TokenKind) -> tuple[str, UserView]:
        given = await self._sent(Credentials, req)
        address = req.remote_addr or ""
        return await self._hashing.run(
            users.log_in,
            self._system,
            given.username,
            given.password,
            address=address,
            throttle=self._throttle,
            kind=kind,
        )


class ApiRegistrations(Accounts):
    """`/api/register`."""

    @documented("register", "accounts", {201: ShownUser}, access=Required.NOTHING, body=Registration, problems=(429,))
    async def on_post(self, req: Request, resp: Response) -> None:
        """Register a user."""
        answers.send(resp, ShownUser.model_validate(await self._register(req)), status=201)


class ApiLogins(Accounts):
    """`/api/login`."""

    @documented("logIn", "accounts", {200: LoggedIn}, access=Required.NOTHING, body=Credentials, problems=(429,))
    async def on_post(self, req: Request, resp: Response) -> None:
        """Log in: get a token, to be sent as `Authorization: Token <token>`. It is shown only once."""
        token, user = await self._log_in(req, TokenKind.TOKEN)
        answers.send(resp, LoggedIn(token=token, user=ShownUser.model_validate(user)))


class Registrations(Accounts):
    """`/register`: JSON is answered as by the API, a form with a redirect to the login."""

    @documented(
        "registerByPage",
        "accounts",
        {201: ShownUser, 303: None},
        access=Required.NOTHING,
        body=Registration,
        problems=(429,),
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Register a user; a form is answered by a redirect."""
        user = await self._register(req)
        if posted_forms.is_form(req):
            posted_forms.lead(resp, "/login/")
        else:
            answers.send(resp, ShownUser.model_validate(user), status=201)


class Logins(Accounts):
    """`/login`: JSON is answered as by the API, a form with a session."""

    @documented(
        "logInByPage",
        "accounts",
        {200: LoggedIn, 303: None},
        access=Required.NOTHING,
        body=Credentials,
        problems=(429,),
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Log in: JSON gets a token; a form gets a session cookie, and a redirect to the dashboard."""
        kind = TokenKind.SESSION if posted_forms.is_form(req) else TokenKind.TOKEN
        token, user = await self._log_in(req, kind)
        if kind is TokenKind.TOKEN:
            answers.send(resp, LoggedIn(token=token, user=ShownUser.model_validate(user)))
            return
        await sessions.begin(req, resp, self._system, self._hashing, token)
        posted_forms.lead(resp, DASHBOARD)


class ApiLogouts:
    """`/api/logout`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("logOut", "accounts", {204: None}, access=Required.IDENTITY, problems=(401,))
    async def on_post(self, req: Request, resp: Response) -> None:
        """Log out: the token or session of this request is no longer valid."""
        token = access.token_of(req)
        if token is None or access.principal(req).user_id is None:
            raise unauthorized("The request has no token to log out. Send it as Authorization: Token.")
        await self._threads.run(tokens.log_out, self._system, token)
        _forget_session(req, resp)
        resp.status = falcon.HTTP_NO_CONTENT


class Logouts:
    """`/logout`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("logOutByPage", "accounts", {303: None}, access=Required.NOTHING)
    async def on_post(self, req: Request, resp: Response) -> None:
        """Log out: end the session, if there still is one, and redirect to the login."""
        token = access.token_of(req)
        if token is not None:
            await self._threads.run(tokens.log_out, self._system, token)
        _forget_session(req, resp)
        posted_forms.lead(resp, "/login/")


def _forget_session(req: Request, resp: Response) -> None:
    """Delete the browser's session cookie, if it has one."""
    if sites.cookie(req, COOKIE) is not None:
        resp.unset_cookie(COOKIE, path="/", same_site="Lax")
