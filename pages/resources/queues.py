"""What waits, and for what; and the switches that let nothing of an app, or nothing at all, start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from falcon.asgi import Request, Response

from core.scopes import Scope
from core.states import Hold
from pages import examples, rights
from pages.forms import Form
from pages.page_request import Asked
from pages.route import Responder
from pages.site import Do, Site
from services.apps import apps
from services.execution import breakers as closing
from services.reading import limits, waiting
from services.reading.failures import breakers
from services.reading.limits import LimitView
from services.reading.pauses import latest_pauses
from services.reading.upcoming import next_calls
from services.reading.waiting import Waiting
from services.scheduling import pauses

PATH = "/dashboard/queues"
_PAUSED, _PAUSED_UNTIL = f"{PATH}?done=paused", f"{PATH}?done=paused_until"
_RESUMED = f"{PATH}?done=resumed"
MAX_APPS = 100
MAX_LIMITS = 50


class Queues:
    """`/dashboard/queues`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show what waits."""
        await self._site.show(req, resp, "queues.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        settings = self._site.system.settings
        found, _more = apps.listed_without_task_types(who.principal, MAX_APPS)
        waits = waiting.grouped(who.principal)
        return {
            "waiting": waits,
            "limits": self._limits_of(who, waits),
            "next_at": next_calls.of_keys(self._site.system, waits.keys),
            "most_counted": limits.MAX_COUNTED,
            "apps": found,
            "may": {app.id: rights.on_app(who.principal, app.id) for app in found},
            "app_pauses": latest_pauses.of_apps(who.principal, [app.name for app in found if app.paused_at]),
            "breakers": breakers.listed(who.principal),
            "watches": settings.destination_breaker or any(app.destination_breaker for app in found),
            "operates_in": rights.operates_in,
            "shows_audit": who.principal.sees_all and self._site.shows_audit(who),
            "may_pause_everything": who.principal.sees_all and Scope.OPERATE in who.principal.scopes,
            "rate": settings.account_rate,
            "most_at_once": settings.max_concurrent_runs,
            "commands": {
                "Pause an app": examples.post(settings, "/api/apps/NAME/pause"),
                "Resume an app": examples.post(settings, "/api/apps/NAME/resume"),
                "Pause everything": examples.post(settings, "/api/installation/pause"),
                "Resume everything": examples.post(settings, "/api/installation/resume"),
            },
        }

    def _limits_of(self, who: Asked, waits: Waiting) -> Mapping[str, LimitView]:
        """The rates that hold the largest groups, by key."""
        keys = [one.held_key for one in waits.groups if one.held_by is Hold.RATE_LIMIT and one.held_key is not None]
        return limits.of_keys(who.principal, self._site.system, list(dict.fromkeys(keys))[:MAX_LIMITS])


def close_breaker(site: Site) -> Responder:
    """Returns a responder that closes a breaker, so that what it holds goes on."""

    def do(who: Asked, form: Form) -> str:
        closing.close(who.principal, site.system, form.get("key_of_breaker", ""), site.reason(form))
        return f"{PATH}?done=closed"

    return _for_all(site, do)


def pause_app(site: Site) -> Responder:
    """Returns a responder that pauses the app of the path."""

    def do(who: Asked, form: Form, name: str) -> str:
        until = site.until(who, form)
        pauses.pause_app(who.principal, site.system, name, site.reason(form), until=until)
        return _PAUSED if until is None else _PAUSED_UNTIL

    return _by_name(site, do)


def resume_app(site: Site) -> Responder:
    """Returns a responder that resumes the app of the path."""

    def do(who: Asked, _form: Form, name: str) -> str:
        pauses.resume_app(who.principal, site.system, name)
        return _RESUMED

    return _by_name(site, do)


def pause_everything(site: Site) -> Responder:
    """Returns a responder that pauses everything."""

    def do(who: Asked, form: Form) -> str:
        until = site.until(who, form)
        pauses.pause_everything(who.principal, site.system, site.reason(form), until=until)
        return _PAUSED if until is None else _PAUSED_UNTIL

    return _for_all(site, do)


def resume_everything(site: Site) -> Responder:
    """Returns a responder that resumes everything."""

    def do(who: Asked, _form: Form) -> str:
        pauses.resume_everything(who.principal, site.system)
        return _RESUMED

    return _for_all(site, do)


def _by_name(site: Site, do: Callable[[Asked, Form, str], str]) -> Responder:
    async def respond(req: Request, resp: Response, name: str) -> None:
        await site.act(req, resp, lambda who, form: do(who, form, name))

    return respond


def _for_all(site: Site, do: Do) -> Responder:
    async def respond(req: Request, resp: Response) -> None:
        await site.act(req, resp, do)

    return respond
