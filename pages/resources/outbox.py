"""The outbox: e-mail that an embedded server keeps, since no mail server is set; a list, and each with its text."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from pages.page_request import Asked
from pages.site import Site
from services.email import outbox

PATH = "/dashboard/outbox"
SHOWN = 100


class OutboxPage:
    """`/dashboard/outbox`, and `/dashboard/outbox/{email_id}`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response) -> None:
        """Show the newest e-mails."""
        await self._site.show(req, resp, "outbox.html", self._load)

    async def show_one(self, req: Request, resp: Response, email_id: UUID) -> None:
        """Show an e-mail: its headers and its text."""
        await self._site.show(req, resp, "email.html", lambda who: self._load_one(who, email_id))

    def _load(self, who: Asked) -> dict[str, Any]:
        settings = self._site.system.settings
        return {
            "emails": outbox.newest(who.principal, settings, SHOWN),
            "most": SHOWN,
            "path": PATH,
            "is_kept": settings.embedded and settings.email_host is None,
        }

    def _load_one(self, who: Asked, email_id: UUID) -> dict[str, Any]:
        return {"email": outbox.one(who.principal, self._site.system.settings, email_id), "path": PATH}
