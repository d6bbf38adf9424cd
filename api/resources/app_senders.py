"""The addresses that an app's e-mails may come from."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, bodies, preconditions, validation
from api.openapi import documented
from api.operations import Required
from api.preconditions import IfMatchTagHeader
from api.schemas.app_senders import NewSenders, Senders
from api.threads import Threads
from core.etags import Expected
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
        _send(resp, await self._threads.run(app_senders.listed, access.principal(req), name))

    @documented(
        "putSenders",
        "apps",
        {200: Senders},
        access=Required.ADMINISTRATION,
        scope=Scope.APP,
        headers=IfMatchTagHeader,
        body=NewSenders,
        problems=(403, 404, 412),
    )
    async def on_put(self, req: Request, resp: Response, name: str) -> None:
        """Replace the addresses that an app's e-mails may come from; any other is only replied to."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        expected = preconditions.expected_etags(req)
        _send(resp, await self._threads.run(self._put, access.principal(req), name, body, expected))

    def _put(self, principal: Principal, name: str, body: bytes, expected: Expected) -> list[str]:
        wanted = validation.body(NewSenders, bodies.parse(body)).senders
        return app_senders.put(principal, self._system, name, wanted, expected)


def _send(resp: Response, listed: list[str]) -> None:
    """Answer with the senders of an app and their ETag."""
    preconditions.set_etag(resp, app_senders.etag(listed))
    answers.send(resp, Senders(senders=listed))
