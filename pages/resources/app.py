"""One app: where it is called, its members, its keys and secrets, and what can be done with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from core import built_in_apps
from core.errors import NotFound
from core.scopes import Role, Scope
from pages import instants_typed, rights, shown_again, shown_once, task_type_fields, words
from pages.forms import Form, seen, typed_number
from pages.page_request import Asked
from pages.resources.apps import app_path
from pages.route import Responder
from pages.site import Site, if_allowed
from services.access import app_keys
from services.apps import apps, members, quotas
from services.reading.pauses import latest_pauses
from services.secrets import named, signing

QUOTAS = tuple(words.QUOTAS)
_NAMES = shown_again.same(
    "callback_base_url",
    "username",
    "role",
    "value",
    "account_id",
    "scopes",
    "expires_at",
    "task_type",
    "data",
    task_type_fields.NEW,
    *task_type_fields.NAMES,
    *QUOTAS,
)
_SWITCH = {"on": True, "off": False}
"""What the breaker's switch says; anything else is as the server's setting has it."""
Act = Callable[[Asked, Form, str], str]
"""Does what a form of an app asks for; returns the word for what was done."""


class AppPage:
    """`/dashboard/apps/{name}`, and the forms on it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response, name: str) -> None:
        """Show an app."""
        await self._site.show(req, resp, "app.html", lambda who: self._load(who, name))

    async def make_key(self, req: Request, resp: Response, name: str) -> None:
        """Make a key, and show it, this once."""
        await self._shown_once(req, resp, name, "key", self._key)

    async def rotate(self, req: Request, resp: Response, name: str) -> None:
        """Make a new signing secret sign beside the former one, and show it, this once."""
        await self._shown_once(req, resp, name, "signing secret", self._signing_secret)

    async def delete(self, req: Request, resp: Response, name: str) -> None:
        """Delete an app that has no jobs, and lead to the others."""

        def do(who: Asked, form: Form) -> str:
            apps.delete(who.principal, self._site.system, name, self._site.reason(form), seen(form, "app_version"))
            return "/dashboard/apps?done=deleted"

        await self._act(req, resp, name, do)

    async def or_again(
        self, req: Request, resp: Response, name: str, form: Form, act: Callable[[], Awaitable[None]]
    ) -> None:
        """Act, or show the app with what is wrong beside the fields of the form."""
        names = {**_NAMES, "name": "secret" if "secret" in form else "name"}
        await shown_again.or_again(
            self._site,
            req,
            resp,
            act,
            template="app.html",
            load=lambda who: self._load(who, name),
            form=form,
            names=names,
        )

    def responder(self, act: Act) -> Responder:
        """Returns a responder that does what a form asks for and leads back, or shows the app with what is wrong."""

        async def respond(req: Request, resp: Response, name: str) -> None:
            await self._act(req, resp, name, lambda who, form: app_path(name, act(who, form, name)))

        return respond

    def change(self, who: Asked, form: Form, name: str) -> str:
        """Change where the app is called, or whether a receiver that fails is left alone."""
        patch = {
            "callback_base_url": form.get("callback_base_url") or None,
            "destination_breaker": _SWITCH.get(form.get("destination_breaker", "")),
        }
        change = self._site.readers.changed_app
        apps.amend(who.principal, self._site.system, name, lambda view: change(view, patch), seen(form, "app_version"))
        return "updated"

    def put_member(self, who: Asked, form: Form, name: str) -> str:
        """Give a user a role."""
        role = self._site.readers.role({"role": form.get("role", "")})
        members.put(who.principal, self._site.system, name, form.get("username", ""), role)
        return "member_put"

    def remove_member(self, who: Asked, form: Form, name: str) -> str:
        """Take a user out of the app."""
        members.remove(who.principal, self._site.system, name, form.get("username", ""))
        return "member_removed"

    def put_secret(self, who: Asked, form: Form, name: str) -> str:
        """Store a secret that requests may name."""
        value = self._site.readers.secret({"value": form.get("value", "")})
        named.put(who.principal, self._site.system, name, form.get("secret", ""), value)
        return "secret_put"

    def delete_secret(self, who: Asked, form: Form, name: str) -> str:
        """Delete a secret."""
        named.delete(who.principal, self._site.system, name, form.get("secret", ""))
        return "deleted"

    def put_quotas(self, who: Asked, form: Form, name: str) -> str:
        """Give the app quotas in place of those that it has."""
        given = {one: typed_number(form[one]) for one in QUOTAS if form.get(one)}
        wanted = self._site.readers.quotas(given)
        quotas.put(who.principal, self._site.system, name, wanted, seen(form, "quotas_version"))
        return "updated"

    def revoke_key(self, who: Asked, form: Form, name: str) -> str:
        """Revoke a key."""
        app_keys.revoke(who.principal, self._site.system, name, _id(form, "key"))
        return "key_revoked"

    def delete_signing_secret(self, who: Asked, form: Form, name: str) -> str:
        """Stop signing with a former signing secret."""
        signing.delete(who.principal, self._site.system, name, _id(form, "signing secret"))
        return "deleted"

    def _key(self, who: Asked, form: Form, name: str) -> str:
        given = {
            "name": form.get("name", ""),
            "scopes": [scope.value for scope in Scope if form.get(f"scope.{scope.value}")],
            "account_id": form.get("account_id") or None,
            "expires_at": instants_typed.optional(form.get("expires_at"), who.zone),
        }
        made, _view = app_keys.create(who.principal, self._site.system, name, self._site.readers.new_key(given))
        return made

    def _signing_secret(self, who: Asked, _form: Form, name: str) -> str:
        _view, made, _is_new = signing.add(who.principal, self._site.system, name, None)
        return made

    async def _shown_once(self, req: Request, resp: Response, name: str, kind: str, make: Act) -> None:
        described = {"kind": kind, "name": name, "section": "apps"}

        def do(who: Asked, form: Form) -> str:
            return make(who, form, name)

        form = await self._site.form(req)

        def act() -> Awaitable[None]:
            return shown_once.show(self._site, req, resp, form, do, described=lambda _: described, back=app_path(name))

        await self.or_again(req, resp, name, form, act)

    async def _act(self, req: Request, resp: Response, name: str, do: Callable[[Asked, Form], str]) -> None:
        form = await self._site.form(req)
        await self.or_again(req, resp, name, form, lambda: self._site.carry_out(req, resp, form, do))

    def _load(self, who: Asked, name: str) -> dict[str, Any]:
        app = apps.get(who.principal, name)
        keys = if_allowed(lambda: app_keys.listed(who.principal, name))
        return {
            "app": app,
            "types_typed": {one: task_type_fields.typed(policy) for one, policy in app.task_types.items()},
            "may": rights.on_app(who.principal, app.id),
            "path": app_path(app.name),
            "is_shared": app.name in built_in_apps.NAMES,
            "app_pause": latest_pauses.of_apps(who.principal, [app.name]).get(app.name) if app.paused_at else None,
            "may_change": keys is not None,
            "breaker_by_default": self._site.system.settings.destination_breaker,
            "quotas": quotas.get(who.principal, name),
            "quota_words": words.QUOTAS,
            "may_put_quotas": who.principal.sees_all and Scope.APP in who.principal.scopes,
            "members": if_allowed(lambda: members.listed(who.principal, name)),
            "keys": keys,
            "signing": if_allowed(lambda: signing.of_app(who.principal, name)),
            "secrets": if_allowed(lambda: named.of_app(who.principal, name)),
            "role_words": [role.value for role in Role],
            "scope_words": [scope.value for scope in Scope],
        }


def _id(form: Form, kind: str) -> UUID:
    given = form.get("id", "")
    try:
        return UUID(given)
    except ValueError:
        raise NotFound(kind, ascii(given)) from None
