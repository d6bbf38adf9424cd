"""Users and invitations, for administrators: who may log in, who administers, links that open something once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from falcon.asgi import Request, Response

from core.errors import InvalidInput, NotFound
from pages import shown_again, shown_once
from pages.forms import Form
from pages.page_request import Asked
from pages.route import Responder
from pages.site import Site
from services.access import ending_access, invitations, people
from services.access.people import Change

PATH = "/dashboard/people"
SHOWN = 100
CHANGES = {
    "disable": (Change(disabled=True), "disabled"),
    "enable": (Change(disabled=False), "enabled"),
    "promote": (Change(administrator=True), "updated"),
    "demote": (Change(administrator=False), "updated"),
}
Act = Callable[[Asked, Form], str]
_NAMES = shown_again.same("email")


class People:
    """`/dashboard/people`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show users and invitations."""
        await self._site.show(req, resp, "people.html", self._load)

    async def reset(self, req: Request, resp: Response) -> None:
        """Make a link to a new password, and show it, this once."""

        def make(who: Asked, form: Form) -> str:
            return people.reset(who.principal, self._site.system, form.get("username", ""), self._site.reason(form))

        await self._shown_once(req, resp, "link to a new password", make)

    async def invite(self, req: Request, resp: Response) -> None:
        """Make an invitation, and show its link, this once."""

        def make(who: Asked, form: Form) -> str:
            given = self._site.readers.invitation(
                {"email": form.get("email") or None, "administrator": bool(form.get("administrator"))}
            )
            return invitations.create(who.principal, self._site.system, given[0], administrator=given[1])[0]

        await self._shown_once(req, resp, "invitation", make)

    def responder(self, act: Act) -> Responder:
        """Returns a responder that acts, and shows the page again; with what is wrong, where it cannot be done."""

        async def respond(req: Request, resp: Response) -> None:
            form = await self._site.form(req)

            def do(who: Asked, given: Form) -> str:
                return f"{PATH}?done={act(who, given)}"

            await self._or_again(req, resp, form, lambda: self._site.carry_out(req, resp, form, do))

        return respond

    def change(self, who: Asked, form: Form) -> str:
        """Disable, enable, promote or demote a user."""
        if form.get("do") not in CHANGES:
            raise InvalidInput.at("do", f"must be one of {', '.join(CHANGES)}.")
        wanted, done = CHANGES[form["do"]]
        people.change(who.principal, self._site.system, form.get("username", ""), wanted, self._site.reason(form))
        return done

    def end(self, who: Asked, form: Form) -> str:
        """End a user's sessions, tokens and links."""
        ending_access.end(who.principal, self._site.system, form.get("username", ""), self._site.reason(form))
        return "ended"

    def withdraw(self, who: Asked, form: Form) -> str:
        """Withdraw an invitation."""
        given = form.get("id", "")
        try:
            invitation_id = UUID(given)
        except ValueError:
            raise NotFound("invitation", ascii(given)) from None
        invitations.withdraw(who.principal, self._site.system, invitation_id)
        return "ended"

    async def _shown_once(self, req: Request, resp: Response, kind: str, make: Act) -> None:
        described = {"kind": kind, "name": "", "section": "people"}

        form = await self._site.form(req)

        def act() -> Awaitable[None]:
            return shown_once.show(self._site, req, resp, form, make, described=lambda _: described, back=PATH)

        await self._or_again(req, resp, form, act)

    async def _or_again(self, req: Request, resp: Response, form: Form, act: Callable[[], Awaitable[None]]) -> None:
        await shown_again.or_again(
            self._site, req, resp, act, template="people.html", load=self._load, form=form, names=_NAMES
        )

    def _load(self, who: Asked) -> dict[str, Any]:
        search, after = who.params.get("search") or None, who.params.get("after") or None
        found, more = people.listed(who.principal, self._site.system, search, after, SHOWN)
        following = {"search": search or "", "after": found[-1].username} if more else None
        return {
            "people": found,
            "shows_audit": self._site.shows_audit(who),
            "search": search or "",
            "paged": after is not None,
            "next": following and f"{PATH}?{urlencode(following)}",
            "invitations": invitations.listed(who.principal, self._site.system),
        }
