"""The outbox: e-mail that the embedded server keeps while no mail server is set.

It holds links that open accounts, so reading is not enough to see it.
"""

from __future__ import annotations

from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, lists, validation
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.schemas.outbox import OutboxEmail, OutboxList, OutboxQuery, WholeOutboxEmail
from api.threads import Threads
from core.scopes import Scope
from services.email import outbox
from services.system import System


class Outbox:
    """`/api/outbox`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._settings = system.settings
        self._threads = threads

    @documented(
        "listOutbox", "e-mail", {200: OutboxList}, access=Required.ADMINISTRATION, scope=Scope.APP, query=OutboxQuery
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the e-mails that were stored instead of sent, newest first; empty if a mail server is set."""
        lists.send(resp, await self._threads.run(self._list, req))

    def _list(self, req: Request) -> Listed:
        query = validation.query(OutboxQuery, req.params)
        found = outbox.newest(access.principal(req), self._settings, query.limit)
        return lists.listed(OutboxList(results=[OutboxEmail.model_validate(one) for one in found]), {})


class EmailInOutbox:
    """`/api/outbox/{email_id}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._settings = system.settings
        self._threads = threads

    @documented(
        "getOutboxEmail",
        "e-mail",
        {200: WholeOutboxEmail},
        access=Required.ADMINISTRATION,
        scope=Scope.APP,
        problems=(404,),
    )
    async def on_get(self, req: Request, resp: Response, email_id: UUID) -> None:
        """Show an e-mail that was stored instead of sent: its headers and its text."""
        found = await self._threads.run(outbox.one, access.principal(req), self._settings, email_id)
        answers.send(resp, WholeOutboxEmail.of(found))
