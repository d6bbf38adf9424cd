"""One job: show it, patch it, replace it, delete it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import falcon
from falcon.asgi import Request, Response

from api import access, answers, bodies, edit_bodies, preconditions, reasons, user_edits
from api.openapi import documented
from api.operations import Required
from api.preconditions import IfMatchHeader
from api.schemas import editing as edits
from api.schemas.audit import ReasonQuery
from api.schemas.editing import JobPatch, WholeJob
from api.schemas.jobs import JobWithUsual
from api.threads import Threads
from core.scopes import Scope
from services.jobs import editing
from services.jobs.definition import Definition
from services.reading import records
from services.reading.statistics import durations
from services.reading.views import JobView
from services.system import System


class OneJob:
    """`/api/jobs/{job_id}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads
        self._most = system.settings.max_body_bytes

    @documented("getJob", "jobs", {200: JobWithUsual}, access=Required.JOB, scope=Scope.READ, problems=(404,))
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show a job, and how long its runs usually take; its ETag is its version."""
        await self._answer(req, resp, records.job, access.principal(req), job_id)

    @documented(
        "patchJob",
        "jobs",
        {200: JobWithUsual},
        access=Required.JOB,
        scope=Scope.JOBS,
        headers=IfMatchHeader,
        body=JobPatch,
        query=ReasonQuery,
        problems=(403, 404, 409, 412),
    )
    async def on_patch(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Change a job by a merge patch, up to the instant at which a worker claims its run."""
        body = await edit_bodies.of_job(req, self._most, self._threads, job_id, bodies.PATCHES)
        await self._answer(req, resp, self._patch, job_id, req, body)

    @documented(
        "putJob",
        "jobs",
        {200: JobWithUsual},
        access=Required.JOB,
        scope=Scope.JOBS,
        headers=IfMatchHeader,
        body=WholeJob,
        query=ReasonQuery,
        problems=(403, 404, 409, 412),
    )
    async def on_put(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Replace a job's whole definition; members that cannot be changed may be sent back as they are shown."""
        body = await edit_bodies.of_job(req, self._most, self._threads, job_id)
        await self._answer(req, resp, self._edit, job_id, req, body, edits.replaced)

    @documented(
        "deleteJob",
        "jobs",
        {204: None},
        access=Required.JOB,
        scope=Scope.JOBS,
        headers=IfMatchHeader,
        query=ReasonQuery,
        problems=(404, 412),
    )
    async def on_delete(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Delete a job: waiting runs are cancelled, running ones may finish."""
        expected, reason = preconditions.expected(req), reasons.of(req)
        await self._threads.run(editing.delete, access.principal(req), self._system, job_id, expected, reason=reason)
        resp.status = falcon.HTTP_NO_CONTENT

    async def _answer(self, req: Request, resp: Response, act: Callable[..., JobView], *given: Any) -> None:
        """Answer with the job that `act` returns and its usual duration; both are work for a thread."""

        def show() -> JobWithUsual:
            view = act(*given)
            return JobWithUsual.of(view, durations.of_job(access.principal(req), view.id))

        shown = await self._threads.run(show)
        preconditions.tell_version(resp, shown.version)
        answers.send(resp, shown)

    def _patch(self, job_id: UUID, req: Request, body: bytes) -> JobView:
        return self._edit(job_id, req, body, edits.patched)

    def _edit(self, job_id: UUID, req: Request, body: bytes, change: Callable[[JobView, Any], Definition]) -> JobView:
        value = bodies.parse(body)
        expected, reason = preconditions.expected(req), reasons.of(req)

        def amend(view: JobView) -> Definition:
            wanted = change(view, value)
            user_edits.expect_edit(access.principal(req), view, wanted)
            return wanted

        return editing.edit(access.principal(req), self._system, job_id, amend, expected, reason=reason)
