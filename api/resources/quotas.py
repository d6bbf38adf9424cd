"""Quotas of apps: how much of the installation an app may take."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, bodies, preconditions, validation
from api.openapi import documented
from api.operations import Required
from api.preconditions import IfMatchTagHeader
from api.resources.apps import expect_name
from api.schemas.quotas import NewQuotas, QuotasOfApp
from api.threads import Threads
from core.etags import Expected
from core.principals import Principal
from core.scopes import Scope
from services.apps import quotas
from services.apps.quotas import QuotasView
from services.system import System


class AppsQuotas:
    """`/api/apps/{name}/quotas`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("getQuotas", "apps", {200: QuotasOfApp}, access=Required.APP, scope=Scope.READ, problems=(404,))
    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        """Show an app's quotas, and what it has taken of them; the ETag is that of the quotas alone."""
        expect_name(name)
        _send(resp, await self._threads.run(quotas.get, access.principal(req), name))

    @documented(
        "putQuotas",
        "apps",
        {200: QuotasOfApp},
        access=Required.APP,
        scope=Scope.APP,
        headers=IfMatchTagHeader,
        body=NewQuotas,
        problems=(403, 404, 412),
    )
    async def on_put(self, req: Request, resp: Response, name: str) -> None:
        """Replace an app's quotas. For administrators."""
        expect_name(name)
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        expected = preconditions.expected_etags(req)
        _send(resp, await self._threads.run(self._put, access.principal(req), name, body, expected))

    def _put(self, principal: Principal, name: str, body: bytes, expected: Expected) -> QuotasView:
        wanted = validation.body(NewQuotas, bodies.parse(body)).parsed()
        return quotas.put(principal, self._system, name, wanted, expected)


def _send(resp: Response, view: QuotasView) -> None:
    """Answer with an app's quotas and their ETag."""
    preconditions.set_etag(resp, view.etag)
    answers.send(resp, QuotasOfApp.model_validate(view))
