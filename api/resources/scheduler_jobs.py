"""003: jobs by cron expression."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import falcon
from falcon.asgi import Request, Response

from api import answers, bodies, callers, lists, validation
from api.dialects import cron_jobs, words
from api.dialects.cron_jobs import CronJob, CronJobPatch, CronJobs, NewCronJob, WholeCronJob
from api.lists import Listed
from api.openapi import documented
from api.resources.dialect_jobs import DialectJobs, definition_of, whole
from api.schemas.paging import NumberedQuery
from core.listing import NEWEST_FIRST
from core.states import JobStatus
from services import jobs
from services.control import editing
from services.definitions import Definition
from services.reading import records
from services.reading.views import JobView

_PATCHES = (bodies.MEDIA_MERGE_PATCH, falcon.MEDIA_JSON)


class _SchedulerJobs(DialectJobs):
    dialect = words.CRON
    fields = cron_jobs.FIELDS

    def switched(self, job_id: UUID, *, is_active: bool) -> CronJob:
        """The job, paused or resumed as wanted."""
        view = records.job(job_id)
        if is_active is (view.status is JobStatus.PAUSED):
            (jobs.resume if is_active else jobs.pause)(self.system, job_id)
        return cron_jobs.show(records.job(job_id))


class SchedulerJobs(_SchedulerJobs):
    """`/scheduler/jobs`."""

    @documented("listSchedulerJobs", "003 cron jobs", {200: CronJobs, 304: None}, query=NumberedQuery, problems=(404,))
    async def on_get(self, req: Request, resp: Response) -> None:
        """List jobs, newest first; 304 where `If-None-Match` names the list as it is."""
        lists.send_if_changed(req, resp, await self.threads.run(self._list, req))

    @documented("createSchedulerJob", "003 cron jobs", {201: CronJob}, body=NewCronJob, problems=(403, 409))
    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a job; its name means no other job here."""
        body = await bodies.read(req, self.system.settings.max_body_bytes)
        answers.send(resp, await self.threads.run(self._create, req, body), status=201)

    def _list(self, req: Request) -> Listed:
        query = validation.query(NumberedQuery, req.params)
        views, links = self.listed(req, self.mine(req), NEWEST_FIRST, query)
        return lists.listed(CronJobs([cron_jobs.show(view) for view in views]), links)

    def _create(self, req: Request, body: bytes) -> CronJob:
        given = validation.body(NewCronJob, bodies.parse(body))
        view = self.create(given.parsed(callers.of(req)))
        return self.switched(view.id, is_active=given.is_active)


class OneSchedulerJob(_SchedulerJobs):
    """`/scheduler/jobs/{job_id}`."""

    @documented("getSchedulerJob", "003 cron jobs", {200: CronJob}, problems=(404,))
    async def on_get(self, _req: Request, resp: Response, job_id: UUID) -> None:
        """Look at a job."""
        answers.send(resp, cron_jobs.show(await self.threads.run(self.found, job_id)))

    @documented("putSchedulerJob", "003 cron jobs", {200: CronJob}, body=WholeCronJob, problems=(403, 404, 409))
    async def on_put(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Replace a job."""
        body = await bodies.read(req, self.system.settings.max_body_bytes)
        answers.send(resp, await self.threads.run(self._change, req, job_id, body, {}))

    @documented("patchSchedulerJob", "003 cron jobs", {200: CronJob}, body=CronJobPatch, problems=(403, 404, 409))
    async def on_patch(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Change some of a job's members; `is_active: false` pauses it."""
        body = await bodies.read(req, self.system.settings.max_body_bytes, _PATCHES)
        answers.send(resp, await self.threads.run(self._change, req, job_id, body, None))

    @documented("deleteSchedulerJob", "003 cron jobs", {204: None}, problems=(404,))
    async def on_delete(self, _req: Request, resp: Response, job_id: UUID) -> None:
        """Delete a job."""
        await self.threads.run(self._delete, job_id)
        resp.status = falcon.HTTP_NO_CONTENT

    def _change(self, req: Request, job_id: UUID, body: bytes, base: dict[str, Any] | None) -> CronJob:
        """Make a job what a body says, over `base`, or over what the job is."""
        value = validation.json_object(bodies.parse(body))
        given: list[NewCronJob] = []

        def amend(view: JobView) -> Definition:
            shown = cron_jobs.show(view)
            kept = shown.model_dump(mode="json", include=set(NewCronJob.model_fields)) if base is None else base
            given.append(whole(NewCronJob, {**kept, **value}, shown))
            return definition_of(given[0].parsed(callers.of(req)))

        self.edit(job_id, amend)
        return self.switched(job_id, is_active=given[0].is_active)

    def _delete(self, job_id: UUID) -> None:
        self.found(job_id)
        editing.delete(self.system, job_id)
