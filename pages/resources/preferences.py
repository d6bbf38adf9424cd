"""How this browser shows the pages: zone and theme, kept in cookies."""

from __future__ import annotations

from urllib.parse import urlsplit

from falcon.asgi import Request, Response

from core.errors import FieldError, InvalidInput
from pages import page_request
from pages.forms import Form
from pages.middleware import HOME
from pages.route import can_be_led_to, see_other
from pages.site import Site

_A_YEAR_SECONDS = 365 * 86_400


class Preferences:
    """`/dashboard/settings`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def keep(self, req: Request, resp: Response) -> None:
        """Keep zone and theme in cookies, and lead back to the page that they were chosen on."""
        form = await self._site.form(req)
        _refuse_unknown(form)
        for cookie, name in ((page_request.ZONE_COOKIE, "zone"), (page_request.THEME_COOKIE, "theme")):
            resp.set_cookie(
                cookie,
                form[name],
                max_age=_A_YEAR_SECONDS,
                path="/",
                secure=False,  # it is no secret, and scripts of ours read it
                http_only=False,
                same_site="Lax",
            )
        see_other(resp, self._back(req))

    def _back(self, req: Request) -> str:
        home, came_from = self._site.url(HOME), _path(req.referer or "")
        return came_from if came_from.startswith(home) and can_be_led_to(came_from) else home


def _path(referer: str) -> str:
    try:
        return urlsplit(referer).path
    except ValueError:  # it is no address
        return ""


def _refuse_unknown(form: Form) -> None:
    wrong = []
    if page_request.zone(form.get("zone", "")) is None:
        wrong.append(FieldError("zone", "is no time zone of the list; choose one of it."))
    if form.get("theme") not in page_request.THEMES:
        wrong.append(FieldError("theme", f"must be one of {', '.join(page_request.THEMES)}."))
    if wrong:
        raise InvalidInput(*wrong)
