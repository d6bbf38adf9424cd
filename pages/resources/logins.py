"""Log in, register and log out by forms. The API's own responders do the work; the pages show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import falcon
from falcon.asgi import Request, Response

from core.errors import CarillonError, InvalidInput, TooMany
from pages import forms
from pages.route import Responder, can_be_led_to
from pages.site import Site

_OURS = ("/dashboard/", "/task/")
_NEVER_SHOWN = ("password", "new_password")
_IN_LINKS = ("invitation", "token")


@dataclass(frozen=True)
class Field:
    """A field of a form."""

    name: str
    label: str
    type: str = "text"
    autocomplete: str = "off"


@dataclass(frozen=True)
class LoginForm:
    """A form about the login of a user."""

    path: str
    title: str
    fields: tuple[Field, ...] = ()
    links: tuple[tuple[str, str], ...] = field(default=())


_TO_LOGIN = ("/login/", "Log in to an account you have")
_NAME = Field("username", "Name", autocomplete="username")
LOGIN = LoginForm(
    "/login/",
    "Log in",
    (_NAME, Field("password", "Password", "password", "current-password")),
    (("/register/", "Make an account"), ("/forgot/", "Forgotten the password?")),
)
REGISTER = LoginForm(
    "/register/",
    "Register",
    (
        _NAME,
        Field("email", "E-mail address", "email", "email"),
        Field("password", "Password", "password", "new-password"),
        Field("invitation", "Invitation", "hidden"),
    ),
    (_TO_LOGIN,),
)
FORGOT = LoginForm(
    "/forgot/",
    "Send a link",
    (Field("email", "E-mail address of the account", "email", "email"),),
    (_TO_LOGIN,),
)
RESET = LoginForm(
    "/reset/",
    "Set a new password",
    (
        Field("token", "Code at the end of the link that comes by e-mail", autocomplete="one-time-code"),
        Field("new_password", "New password", "password", "new-password"),
    ),
    (("/forgot/", "Send another link"), _TO_LOGIN),
)
LOGOUT = LoginForm("/logout/", "Log out")


class LoginPage:
    """One of the forms. `answer` is the API's responder for posts to the same path."""

    def __init__(self, site: Site, form: LoginForm, answer: Responder) -> None:
        self._site = site
        self._form = form
        self._answer = answer

    async def show(self, req: Request, resp: Response) -> None:
        """Show the form."""
        self._show(req, resp)

    async def post(self, req: Request, resp: Response) -> None:
        """Answer a form by a page; what programs post is answered as the API does."""
        if not forms.is_form(req):
            await self._answer(req, resp)
            return
        try:
            await self._answer(req, resp)
        except InvalidInput as refusal:
            resp.status = falcon.HTTP_BAD_REQUEST
            self._show(req, resp, refusal)
        except TooMany as refusal:
            resp.status = falcon.HTTP_TOO_MANY_REQUESTS
            resp.set_header("Retry-After", str(refusal.seconds))
            self._show(req, resp, refusal)
        else:
            self._lead_on(req, resp)

    def _show(self, req: Request, resp: Response, refusal: CarillonError | None = None) -> None:
        who = self._site.asked(req)
        errors = {one.field: one.message for one in refusal.fields} if isinstance(refusal, InvalidInput) else {}
        beside = {one.name for one in self._form.fields if one.type != "hidden"}
        failure = "; ".join(message for name, message in errors.items() if name not in beside) or None
        typed: dict[str, str] = req.context.get("form") or {}
        context: dict[str, Any] = {
            "form": self._form,
            "action": f"{self._form.path}?next={quote(_wanted(req), safe='')}" if _wanted(req) else self._form.path,
            "errors": errors,
            "single_sign_on": self._form is LOGIN and self._site.system.settings.oidc_issuer is not None,
            "failure": str(refusal) if isinstance(refusal, TooMany) else failure,
            "values": {name: value for name, value in {**_of_link(req), **typed}.items() if name not in _NEVER_SHOWN},
        }
        resp.content_type = falcon.MEDIA_HTML
        resp.data = self._site.render("login.html", who, context)

    def _lead_on(self, req: Request, resp: Response) -> None:
        """Lead to the page that was wanted before, else where the API leads, behind the prefix of a proxy."""
        location = resp.get_header("Location")
        if location is not None:
            wanted = _wanted(req) if self._form is LOGIN else ""
            resp.set_header("Location", self._site.url(wanted or location))


def _of_link(req: Request) -> dict[str, str]:
    """Returns what a link to the form fills in."""
    return {name: value for name in _IN_LINKS if (value := req.get_param(name))}


def _wanted(req: Request) -> str:
    """Returns the page of ours that a stranger wanted to see; nothing else may be led to."""
    wanted = req.get_param("next") or ""
    return wanted if wanted.startswith(_OURS) and "\\" not in wanted and can_be_led_to(wanted) else ""
