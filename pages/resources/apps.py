"""The apps that one may see, and making one."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from falcon.asgi import Request, Response

from core import built_in_apps
from core.errors import InvalidInput, KeyReused
from core.scopes import Scope
from pages.forms import Form
from pages.page_request import Asked
from pages.site import Site
from services.apps import apps, members_of_apps

MOST = 200


def app_path(name: str, done: str = "") -> str:
    """Returns the path of an app's page, which says what was done."""
    return f"/dashboard/apps/{quote(name, safe='')}" + (f"?done={done}" if done else "")


class Apps:
    """`/dashboard/apps`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show the apps, newest first."""
        await self._site.show(req, resp, "apps.html", lambda who: self._load(who, {}))

    async def create(self, req: Request, resp: Response) -> None:
        """Make an app and lead to it, or show the form again with what is wrong."""
        form = await self._site.form(req)
        try:
            await self._site.carry_out(req, resp, form, self._create)
        except KeyReused:
            raise  # 422: this form was sent before
        except InvalidInput as refusal:
            resp.status = 400
            errors = {one.field: one.message for one in refusal.fields}
            await self._site.show(req, resp, "apps.html", lambda who: self._load(who, form, errors))

    def _create(self, who: Asked, form: Form) -> str:
        given = {name: form[name] for name in ("name", "callback_base_url") if form.get(name)}
        name, wanted = self._site.readers.new_app(given)
        return app_path(apps.create(who.principal, self._site.system, name, wanted).name, "app_made")

    def _load(self, who: Asked, values: Form, errors: dict[str, str] | None = None) -> dict[str, Any]:
        found, more = apps.listed_without_task_types(who.principal, MOST)
        return {
            "apps": found,
            "is_cut": more,
            "shared": built_in_apps.NAMES,
            "members": members_of_apps.owned(who.principal, [app.id for app in found]),
            "roles": {one.app_name: one.role.value for one in who.principal.memberships},
            "may_make": Scope.APP in who.principal.scopes,
            "path_of": app_path,
            "values": values,
            "errors": errors or {},
        }
