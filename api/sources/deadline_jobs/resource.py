"""004: jobs with priorities in words and deadlines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, bodies, lists, validation
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.resources.runs import listed_executions
from api.schemas.paging import Filter, JobOrdering, NumberedQuery
from api.schemas.runs import Executions
from api.sources import translating
from api.sources.deadline_jobs import schema, words
from api.sources.deadline_jobs.schema import (
    DeadlineJob,
    DeadlineJobs,
    DeadlineStatistics,
    NewDeadlineJob,
    WholeDeadlineJob,
)
from api.sources.source_jobs import OneSourceJob, SourceJobs, whole
from core.listing import Ordering
from core.principals import Principal
from core.scopes import Scope
from services.jobs.definition import Definition, NewJob
from services.reading.statistics import job_statistics
from services.reading.views import JobView


class DeadlineJobsQuery(NumberedQuery):
    """Which jobs to return, in which order."""

    search: Filter | None = None
    ordering: JobOrdering = "-created_at"


class _DeadlineJobs(SourceJobs):
    source = words.SOURCE
    fields = words.FIELDS

    def show(self, view: JobView) -> DeadlineJob:
        """Returns a job as 004 shows it."""
        return schema.show(view)


class AllDeadlineJobs(_DeadlineJobs):
    """`/jobs/api/jobs`."""

    @documented(
        "listDeadlineJobs",
        "004 deadline jobs",
        {200: DeadlineJobs},
        access=Required.ACCOUNT,
        scope=Scope.READ,
        query=DeadlineJobsQuery,
        problems=(404,),
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List jobs, newest first unless asked otherwise."""
        lists.send(resp, await self.threads.run(self._list, req))

    @documented(
        "createDeadlineJob",
        "004 deadline jobs",
        {201: DeadlineJob},
        access=Required.ACCOUNT,
        scope=Scope.JOBS,
        body=NewDeadlineJob,
        problems=(403,),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a job, to be done as soon as a worker is free for it."""
        await self.answer_created(req, resp, self._parsed)

    def _list(self, req: Request) -> Listed:
        query = validation.query(DeadlineJobsQuery, req.params)
        wanted = replace(self.source.jobs(), search=query.search)
        views, links = self.listed(req, wanted, Ordering.of(query.ordering), query)
        return lists.listed(DeadlineJobs(lists.readable(schema.show, views)), links)

    def _parsed(self, principal: Principal, body: bytes) -> NewJob:
        """Returns the job that a body asks for. Raises `InvalidInput`."""
        given = validation.body(NewDeadlineJob, bodies.parse(body))
        translating.expect_future("deadline", given.deadline, self.system.clock.now())
        return given.parsed(principal)


class OneDeadlineJob(_DeadlineJobs, OneSourceJob):
    """`/jobs/api/jobs/{job_id}`."""

    @documented(
        "getDeadlineJob",
        "004 deadline jobs",
        {200: DeadlineJob},
        access=Required.JOB,
        scope=Scope.READ,
        problems=(404,),
    )
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show a job."""
        await self.answer_shown(req, resp, job_id)

    @documented(
        "putDeadlineJob",
        "004 deadline jobs",
        {200: DeadlineJob},
        access=Required.JOB,
        scope=Scope.JOBS,
        body=WholeDeadlineJob,
        problems=(403, 404, 409),
    )
    async def on_put(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Replace a job that has not begun."""
        await self.answer_edited(req, resp, job_id, self._put)

    @documented(
        "deleteDeadlineJob",
        "004 deadline jobs",
        {204: None},
        access=Required.JOB,
        scope=Scope.JOBS,
        problems=(400, 404),
    )
    async def on_delete(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Delete a job that has not begun."""
        await self.answer_deleted(req, resp, job_id, schema.refuse_begun)

    def _put(self, principal: Principal, job_id: UUID, asked: Any) -> JobView:
        value = validation.json_object(asked)
        schema.refuse_begun(self.found(principal, job_id))  # 400; other edits answer 409 for a job that has ended

        def amend(view: JobView) -> Definition:
            schema.refuse_begun(view)
            asked_for = schema.asked_for(view)
            shown = schema.show(view)
            given: Any = whole(NewDeadlineJob, value, shown)
            if value.get("priority") == shown.priority:  # a word means more than one number
                given = given.model_copy(update={"priority": asked_for.priority})
            if given.deadline != view.deadline:
                translating.expect_future("deadline", given.deadline, self.system.clock.now())
            return translating.amended(view, asked_for.parsed(principal), given.parsed(principal))

        return self.edited(principal, job_id, amend)


class ExecutionsOfDeadlineJob(_DeadlineJobs):
    """`/jobs/api/jobs/{job_id}/executions`."""

    @documented(
        "listDeadlineJobExecutions",
        "004 deadline jobs",
        {200: Executions},
        access=Required.JOB,
        scope=Scope.READ,
        query=NumberedQuery,
        problems=(404,),
    )
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """List a job's runs that have started, newest first."""
        lists.send(resp, await self.threads.run(self._list, req, job_id))

    def _list(self, req: Request, job_id: UUID) -> Listed:
        self.found(access.principal(req), job_id)
        return listed_executions(req, job_id)


class DeadlineStatisticsOfJobs(_DeadlineJobs):
    """`/jobs/api/jobs/stats`."""

    @documented(
        "getDeadlineStatistics",
        "004 deadline jobs",
        {200: DeadlineStatistics},
        access=Required.ACCOUNT,
        scope=Scope.READ,
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """Show statistics of all of the caller's jobs, in whatever spelling they were created."""
        found = await self.threads.run(job_statistics.overview, access.principal(req))
        answers.send(resp, schema.statistics(found))
