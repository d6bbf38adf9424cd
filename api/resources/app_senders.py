"""The addresses that an app's e-mails may come from."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, bodies, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.app_senders import NewSenders, Senders
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.apps import app_senders
from services.system import System


class SendersOfApp:
    """`/api/apps/{name}/senders`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("listSenders", "apps", {200: Senders}, access=Required.APP, scope=Scope.READ, problems=(403, 404))
    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        """List the addresses that an app's e-mails may come from, besides EMAIL_FROM."""
        found = await self._threads.run(app_senders.listed, access.principal(req), name)
        answers.send(resp, Senders(senders=found))

    @documented(
        "putSenders",
        "apps",
        {200: Senders},
        access=Required.ADMINISTRATION,
        scope=Scope.APP,
        body=NewSenders,
        problems=(403, 404),
    )
    async def on_put(self, req: Request, resp: Response, name: str) -> None:
        """Replace the addresses that an app's e-mails may come from; any other is only replied to."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        answers.send(resp, await self._threads.run(self._put, access.principal(req), name, body))

    def _put(self, principal: Principal, name: str, body: bytes) -> Senders:
        wanted = validation.body(NewSenders, bodies.parse(body)).senders
        return Senders(senders=app_senders.put(principal, self._system, name, wanted))
