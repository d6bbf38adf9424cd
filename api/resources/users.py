"""Users, as administrators see to them."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, reasons
from api.openapi import documented
from api.operations import Required
from api.schemas.accounts import Ended
from api.schemas.audit import ReasonQuery
from api.threads import Threads
from core.scopes import Scope
from services.access import ending_access
from services.system import System


class TokensOfUser:
    """`/api/users/{username}/tokens`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "endAccessOfUser",
        "accounts",
        {200: Ended},
        access=Required.ADMINISTRATION,
        scope=Scope.APP,
        query=ReasonQuery,
        problems=(403, 404),
    )
    async def on_delete(self, req: Request, resp: Response, username: str) -> None:
        """End all tokens, sessions and links of a user, and take back their administration.

        Whom ADMIN_USERNAMES names stays an administrator, and who may log in may do so again.
        """
        principal, reason = access.principal(req), reasons.of(req)
        ended = await self._threads.run(ending_access.end, principal, self._system, username, reason)
        answers.send(resp, Ended(ended=ended))
