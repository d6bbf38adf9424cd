"""The settings in force: each with its value, secrets masked, and where it came from."""

from __future__ import annotations

from typing import Any

from falcon.asgi import Request, Response

from pages import examples
from pages.page_request import Asked
from pages.site import Site
from services.reading.installation import settings_in_force


class SettingsPage:
    """`/dashboard/settings`, as it is shown."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show the settings."""
        await self._site.show(req, resp, "settings.html", self._load)

    def _load(self, who: Asked) -> dict[str, Any]:
        system = self._site.system
        return {
            "found": settings_in_force.listed(who.principal, system),
            "commands": {"Read them": examples.get(system.settings, "/api/settings")},
        }
