"""003: jobs by cron expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from api import bodies, lists, validation
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.schemas.paging import NumberedQuery
from api.sources import translating
from api.sources.cron_jobs import schema, words
from api.sources.cron_jobs.schema import CronJob, CronJobPatch, CronJobs, NewCronJob, WholeCronJob
from api.sources.source_jobs import OneSourceJob, SourceJobs, whole
from core.listing import NEWEST_FIRST
from core.principals import Principal
from core.scopes import Scope
from services.jobs.definition import Definition, NewJob
from services.reading.views import JobView


class _SchedulerJobs(SourceJobs):
    source = words.SOURCE
    fields = words.FIELDS

    def show(self, view: JobView) -> CronJob:
        """Returns a job as 003 shows it."""
        return schema.show(view)


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
        await self.answer_created(req, resp, _parsed)

    def _list(self, req: Request) -> Listed:
        query = validation.query(NumberedQuery, req.params)
        views, links = self.listed(req, self.source.jobs(), NEWEST_FIRST, query)
        return lists.listed(CronJobs(lists.readable(schema.show, views)), links)


def _parsed(principal: Principal, body: bytes) -> NewJob:
    """Returns the job that a body asks for. Raises `InvalidInput`."""
    return validation.body(NewCronJob, bodies.parse(body)).parsed(principal)


class OneSchedulerJob(_SchedulerJobs, OneSourceJob):
    """`/scheduler/jobs/{job_id}`."""

    @documented(
        "getSchedulerJob", "003 cron jobs", {200: CronJob}, access=Required.JOB, scope=Scope.READ, problems=(404,)
    )
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show a job."""
        await self.answer_shown(req, resp, job_id)

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
        await self.answer_edited(req, resp, job_id, self._put)

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
        await self.answer_edited(req, resp, job_id, self._patch, bodies.PATCHES)

    @documented(
        "deleteSchedulerJob", "003 cron jobs", {204: None}, access=Required.JOB, scope=Scope.JOBS, problems=(404,)
    )
    async def on_delete(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Delete a job."""
        await self.answer_deleted(req, resp, job_id)

    def _put(self, principal: Principal, job_id: UUID, given: Any) -> JobView:
        value = validation.json_object(given)
        return self._amended(principal, job_id, lambda _: value, active=value.get("is_active", True))

    def _patch(self, principal: Principal, job_id: UUID, given: Any) -> JobView:
        value = validation.json_object(given)
        writable = set(NewCronJob.model_fields)
        return self._amended(
            principal,
            job_id,
            lambda shown: shown.model_dump(mode="json", include=writable) | value,
            active=value.get("is_active"),
        )

    def _amended(
        self, principal: Principal, job_id: UUID, wanted: Callable[[CronJob], dict[str, Any]], active: bool | None
    ) -> JobView:
        def amend(view: JobView) -> Definition:
            shown = schema.show(view)
            given = whole(NewCronJob, wanted(shown), shown)
            return translating.amended(view, schema.asked_for(shown).parsed(principal), given.parsed(principal))

        return self.edited(principal, job_id, amend, active=active)
