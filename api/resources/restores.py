"""The restore of an installation: the runs that it holds, and their release."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, bodies, keys, reasons, validation
from api.answers import Answer
from api.openapi import documented
from api.operations import Required
from api.schemas.audit import ReasonQuery
from api.schemas.restores import NewRelease, Release, Restore
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.requests import idempotency
from services.restoring import declaring, releasing
from services.system import System


class RestoreOfInstallation:
    """`/api/installation/restore`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("getRestore", "installation", {200: Restore}, access=Required.ADMINISTRATION, scope=Scope.READ)
    async def on_get(self, req: Request, resp: Response) -> None:
        """Show what is held since the database was taken back to an earlier state, by app."""
        found = await self._threads.run(declaring.view, access.principal(req))
        answers.send(resp, Restore.model_validate(found))

    @documented(
        "declareRestore",
        "installation",
        {200: Restore},
        access=Required.ADMINISTRATION,
        scope=Scope.OPERATE,
        query=ReasonQuery,
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Hold every app, and all that is due, as after a restore that was not noticed."""
        reason = reasons.of(req)
        content = await bodies.raw(req, self._system.settings.max_body_bytes)

        def act(request: idempotency.Request | None) -> Answer:
            found = declaring.declare(access.principal(req), self._system, reason, request)
            return answers.answer(Restore.model_validate(found))

        await keys.answer_in_parts(self._system, self._threads, req, resp, content=content, act=act)


class ReleaseOfRestore:
    """`/api/installation/restore/release`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "releaseRestore",
        "installation",
        {200: Release},
        access=Required.ADMINISTRATION,
        scope=Scope.OPERATE,
        body=NewRelease,
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Release or discard what is held since the database was taken back, in slices or to the end."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        await keys.answer_in_parts(
            self._system,
            self._threads,
            req,
            resp,
            content=body,
            act=lambda request: self._released(access.principal(req), body, request),
        )

    def _released(self, principal: Principal, body: bytes, request: idempotency.Request | None) -> Answer:
        given = validation.body(NewRelease, bodies.parse(body))
        count = releasing.release(principal, self._system, given.wanted(), given.reason, request)
        left = Restore.model_validate(declaring.view(principal))
        return answers.answer(Release(runs=count, left=left))
