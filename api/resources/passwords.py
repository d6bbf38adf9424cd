"""Passwords: change one's own, or set a new one by a link that was sent by e-mail."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from api import access, posted_forms
from api.hashing import Hashing
from api.openapi import documented
from api.operations import Required
from api.schemas.accounts import ChangedPassword, ForgottenPassword, ResetPassword
from core.principals import Principal
from core.scopes import Scope
from services.access import own_password, password_resets


class _Passwords(Hashing):
    """What its paths share, of forms and of JSON."""

    async def _ask(self, req: Request) -> None:
        given = await self._sent(ForgottenPassword, req)
        address = req.remote_addr or ""
        await self._hashing.run(password_resets.ask, self._system, given.email, address, self._throttle)

    async def _reset(self, req: Request) -> None:
        given = await self._sent(ResetPassword, req)
        await self._hashing.run(
            password_resets.redeem,
            access.principal(req),
            self._system,
            given.token,
            given.new_password,
            self._throttle,
        )


class PasswordOfCaller(_Passwords):
    """`/api/me/password`."""

    @documented(
        "changePassword",
        "accounts",
        {204: None},
        access=Required.ACCOUNT,
        scope=Scope.APP,
        body=ChangedPassword,
        problems=(401, 403, 429),
    )
    async def on_put(self, req: Request, resp: Response) -> None:
        """Change one's own password. Other sessions and logins end; tokens that were made for programs stay."""
        given = await self._sent(ChangedPassword, req)
        await self.change(access.principal(req), given.current_password, given.new_password, access.token_of(req))
        resp.status = falcon.HTTP_NO_CONTENT

    async def change(self, principal: Principal, current: str, new: str, shown: str | None) -> None:
        """Change the caller's password in the threads and under the throttle of all that ask for one; for pages too."""
        await self._hashing.run(
            own_password.change, principal, self._system, current, new, shown=shown, throttle=self._throttle
        )


class ForgottenPasswords(_Passwords):
    """`/api/password/forgot`."""

    @documented(
        "forgotPassword",
        "accounts",
        {202: None},
        access=Required.NOTHING,
        body=ForgottenPassword,
        problems=(403, 429),
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Ask for a link to set a new password: it is sent to the address, if a user has it, and opens once."""
        await self._ask(req)
        resp.status = falcon.HTTP_ACCEPTED


class ResetPasswords(_Passwords):
    """`/api/password/reset`."""

    @documented("resetPassword", "accounts", {204: None}, access=Required.NOTHING, body=ResetPassword, problems=(429,))
    async def on_post(self, req: Request, resp: Response) -> None:
        """Set a new password by the token of a link. All of the user's sessions and tokens end."""
        await self._reset(req)
        resp.status = falcon.HTTP_NO_CONTENT


class ForgottenPasswordsByPage(_Passwords):
    """`/forgot`."""

    @documented(
        "forgotPasswordByPage",
        "accounts",
        {303: None},
        access=Required.NOTHING,
        body=ForgottenPassword,
        problems=(403, 429),
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Ask for a link to set a new password; a redirect leads to where it is set."""
        await self._ask(req)
        posted_forms.lead(resp, "/reset/")


class ResetPasswordsByPage(_Passwords):
    """`/reset`."""

    @documented(
        "resetPasswordByPage", "accounts", {303: None}, access=Required.NOTHING, body=ResetPassword, problems=(429,)
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Set a new password by the token of a link; a redirect leads to the login."""
        await self._reset(req)
        posted_forms.lead(resp, "/login/")
