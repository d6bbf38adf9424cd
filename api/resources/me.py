"""Who the caller is to this server."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers
from api.openapi import documented
from api.operations import Required
from api.schemas.me import Me


class WhoAmI:
    """`/api/me`."""

    @documented("getMe", "accounts", {200: Me}, access=Required.IDENTITY)
    async def on_get(self, req: Request, resp: Response) -> None:
        """Show who the caller is: their roles in apps and the scopes of their credential."""
        answers.send(resp, Me.of(access.principal(req)))
