"""What is one's own: the sessions and tokens that open the reader's account, and the ways to end and make them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from core.errors import InvalidInput, NotFound
from core.principals import Principal
from core.scopes import Scope
from pages import instants_typed, shown_again, shown_once
from pages.forms import Form
from pages.page_request import Asked
from pages.route import see_other
from pages.site import Site
from services.access import own_tokens

PATH = "/dashboard/mine"
ChangePassword = Callable[[Principal, str, str, str | None], Awaitable[None]]
"""Changes a password as the API does: the present one, the new one, and the session that goes on."""

_NAMES = shown_again.same("current_password", "new_password", "again", "name", "scopes", "expires_at")


class Mine:
    """`/dashboard/mine`."""

    def __init__(self, site: Site, change_password: ChangePassword) -> None:
        self._site = site
        self._change_password = change_password

    async def show(self, req: Request, resp: Response) -> None:
        """Show sessions and tokens."""
        await self._site.show(req, resp, "mine.html", self._load)

    async def make(self, req: Request, resp: Response) -> None:
        """Make a token for a program, and show it, this once; the form sent again makes none."""

        def make(who: Asked, given: Form) -> str:
            scopes = [scope.value for scope in Scope if given.get(f"scope.{scope.value}")]
            until = instants_typed.optional(given.get("expires_at"), who.zone)
            new = self._site.readers.new_token({"name": given.get("name", ""), "scopes": scopes, "expires_at": until})
            return own_tokens.create(who.principal, self._site.system, new, who.session)[0]

        def described(who: Asked) -> dict[str, Any]:
            return {"kind": "token", "name": who.principal.name, "section": "mine"}

        form = await self._site.form(req)

        def act() -> Awaitable[None]:
            return shown_once.show(self._site, req, resp, form, make, described=described, back=PATH)

        await self._or_again(req, resp, form, act)

    async def revoke(self, req: Request, resp: Response) -> None:
        """End a session, or revoke a token."""

        def do(who: Asked, form: Form) -> str:
            own_tokens.revoke(who.principal, self._site.system, _id(form))
            return f"{PATH}?done=ended"

        await self._site.act(req, resp, do)

    async def change_password(self, req: Request, resp: Response) -> None:
        """Change the reader's password, and end all sessions but this one; or say what is wrong."""
        form, who = await self._site.form(req), self._site.asked(req)

        async def act() -> None:
            current, new = self._site.readers.passwords(
                {"current_password": form.get("current_password", ""), "new_password": form.get("new_password", "")}
            )
            if new != form.get("again"):
                raise InvalidInput.at("again", "differs from the new password; type the same one twice.")
            await self._change_password(who.principal, current, new, who.session)
            see_other(resp, self._site.url(f"{PATH}?done=password_changed"))

        await self._or_again(req, resp, form, act)

    async def end_others(self, req: Request, resp: Response) -> None:
        """End all sessions but this one."""

        def do(who: Asked, _form: Form) -> str:
            own_tokens.end_others(who.principal, self._site.system, who.session)
            return f"{PATH}?done=ended"

        await self._site.act(req, resp, do)

    async def _or_again(self, req: Request, resp: Response, form: Form, act: Callable[[], Awaitable[None]]) -> None:
        await shown_again.or_again(
            self._site, req, resp, act, template="mine.html", load=self._load, form=form, names=_NAMES
        )

    def _load(self, who: Asked) -> dict[str, Any]:
        return {
            "tokens": own_tokens.listed(who.principal, self._site.system, who.session),
            "scope_words": [scope.value for scope in Scope],
            "usual_days": own_tokens.USUAL.days,
            "most_days": own_tokens.LONGEST.days,
        }


def _id(form: Form) -> UUID:
    given = form.get("id", "")
    try:
        return UUID(given)
    except ValueError:
        raise NotFound("token of yours", ascii(given)) from None
