"""What waits, and for what; and the switches that let nothing of an app, or nothing at all, start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falcon.asgi import Request, Response

from core.principals import Principal
from pages import examples
from pages.asked import Asked
from pages.forms import Form
from pages.routes import Responder
from pages.site import Site
from services.jobs import apps
from services.reading import waiting
from services.system import System

PATH = "/dashboard/queues"
MOST_APPS = 100


class Queues:
    """`/dashboard/queues`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show what waits."""
        await self._site.show(req, resp, "queues.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        settings = self._site.system.settings
        return {
            "waiting": waiting.grouped(who.principal),
            "apps": apps.listed(who.principal, None, MOST_APPS)[0],
            "may_pause_everything": who.principal.sees_all,
            "rate": settings.account_rate,
            "most_at_once": settings.max_concurrent_runs,
            "commands": {
                "Pause an app": examples.post(settings, "/api/apps/NAME/pause"),
                "Resume an app": examples.post(settings, "/api/apps/NAME/resume"),
                "Pause everything": examples.post(settings, "/api/installation/pause"),
                "Resume everything": examples.post(settings, "/api/installation/resume"),
            },
        }


def on_app(site: Site, act: Callable[[Principal, System, str], None], done: str) -> Responder:
    """Returns a responder that pauses or resumes the app of the path."""

    async def respond(req: Request, resp: Response, name: str) -> None:
        def do(who: Asked, _form: Form) -> str:
            act(who.principal, site.system, name)
            return f"{PATH}?done={done}"

        await site.act(req, resp, do)

    return respond


def on_everything(site: Site, act: Callable[[Principal, System], None], done: str) -> Responder:
    """Returns a responder that pauses or resumes everything."""

    def do(who: Asked, _form: Form) -> str:
        act(who.principal, site.system)
        return f"{PATH}?done={done}"

    async def respond(req: Request, resp: Response) -> None:
        await site.act(req, resp, do)

    return respond
