"""003: jobs by cron expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import falcon
from falcon.asgi import Request, Response

from api import access, answers, bodies, lists, validation
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.schemas.paging import NumberedQuery
from api.sources import translating
from api.sources.cron_jobs import schema, words
from api.sources.cron_jobs.schema import CronJob, CronJobPatch, CronJobs, NewCronJob, WholeCronJob
from api.sources.source_jobs import SourceJobs, whole
from core.listing import NEWEST_FIRST
from core.principals import Principal
from core.scopes import Scope
from services.jobs import editing
from services.jobs.definition import Definition, NewJob
from services.reading.views import JobView


class _SchedulerJobs(SourceJobs):
    source = words.SOURCE
    fields = words.FIELDS


class SchedulerJobs(_SchedulerJobs):
    """`/scheduler/jobs`."""

    @documented(
        "listSchedulerJobs",
        "003 cron jobs",
        {200: CronJobs, 304: None},
        access=Required.ACCOUNT,
        scope=Scope.READ,
        query=NumberedQuery,
        problems=(404,),
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List jobs, newest first; 304 if `If-None-Match` has the list's current ETag."""
        lists.send_if_changed(req, resp, await self.threads.run(self._list, req))

    @documented(
        "createSchedulerJob",
        "003 cron jobs",
        {201: CronJob},
        access=Required.ACCOUNT,
        scope=Scope.JOBS,
        body=NewCronJob,
        problems=(403,),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a job; its name must be unique among these jobs."""
        await self.answer_created(req, resp, _parsed, schema.show)

    def _list(self, req: Request) -> Listed:
        query = validation.query(NumberedQuery, req.params)
        views, links = self.listed(req, self.source.jobs(), NEWEST_FIRST, query)
        return lists.listed(CronJobs(lists.readable(schema.show, views)), links)


def _parsed(principal: Principal, body: bytes) -> NewJob:
    """Returns the job that a body asks for. Raises `InvalidInput`."""
    return validation.body(NewCronJob, bodies.parse(body)).parsed(principal)


class OneSchedulerJob(_SchedulerJobs):
    """`/scheduler/jobs/{job_id}`."""

    @documented(
        "getSchedulerJob", "003 cron jobs", {200: CronJob}, access=Required.JOB, scope=Scope.READ, problems=(404,)
    )
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show a job."""
        answers.send(resp, schema.show(await self.threads.run(self.found, access.principal(req), job_id)))

    @documented(
        "putSchedulerJob",
        "003 cron jobs",
        {200: CronJob},
        access=Required.JOB,
        scope=Scope.JOBS,
        body=WholeCronJob,
        problems=(403, 404, 409),
    )
    async def on_put(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Replace a job."""
        body = await self.edit(req, job_id)
        answers.send(resp, await self.threads.run(self._put, req, job_id, body))

    @documented(
        "patchSchedulerJob",
        "003 cron jobs",
        {200: CronJob},
        access=Required.JOB,
        scope=Scope.JOBS,
        body=CronJobPatch,
        problems=(403, 404, 409),
    )
    async def on_patch(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Change some of a job's members; `is_active: false` pauses it."""
        body = await self.edit(req, job_id, bodies.PATCHES)
        answers.send(resp, await self.threads.run(self._patch, req, job_id, body))

    @documented(
        "deleteSchedulerJob", "003 cron jobs", {204: None}, access=Required.JOB, scope=Scope.JOBS, problems=(404,)
    )
    async def on_delete(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Delete a job."""
        await self.threads.run(self._delete, access.principal(req), job_id)
        resp.status = falcon.HTTP_NO_CONTENT

    def _put(self, req: Request, job_id: UUID, body: bytes) -> CronJob:
        value = validation.json_object(bodies.parse(body))
        return self._amended(req, job_id, lambda _: value, active=value.get("is_active", True))

    def _patch(self, req: Request, job_id: UUID, body: bytes) -> CronJob:
        value = validation.json_object(bodies.parse(body))
        writable = set(NewCronJob.model_fields)
        return self._amended(
            req,
            job_id,
            lambda shown: shown.model_dump(mode="json", include=writable) | value,
            active=value.get("is_active"),
        )

    def _amended(
        self, req: Request, job_id: UUID, wanted: Callable[[CronJob], dict[str, Any]], active: bool | None
    ) -> CronJob:
        principal = access.principal(req)

        def amend(view: JobView) -> Definition:
            shown = schema.show(view)
            given = whole(NewCronJob, wanted(shown), shown)
            return translating.amended(view, schema.asked_for(shown).parsed(principal), given.parsed(principal))

        return schema.show(self.edited(principal, job_id, amend, active=active))

    def _delete(self, principal: Principal, job_id: UUID) -> None:
        self.found(principal, job_id)
        editing.delete(principal, self.system, job_id)
