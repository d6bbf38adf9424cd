"""Jobs: list, cancel, pause, resume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, bodies, keys, lists, pause_queries, reasons, validation
from api.answers import Answer
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.schemas.audit import PauseQuery, ReasonQuery
from api.schemas.jobs import Job, JobPage, NextOccurrences, Occurrence
from api.schemas.paging import CountQuery, JobsQuery
from api.threads import Threads
from core.listing import Ordering
from core.principals import Principal
from core.scopes import Scope
from services.reading import listing, records
from services.reading.counting import Counts
from services.system import System


class Jobs:
    """`/api/jobs`."""

    def __init__(self, system: System, threads: Threads, counts: Counts) -> None:
        self._system = system
        self._threads = threads
        self._counts = counts

    @documented(
        "listJobs", "jobs", {200: JobPage}, access=Required.ACCOUNT, scope=Scope.READ, query=JobsQuery, problems=(404,)
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List jobs, newest first unless asked otherwise; by a cursor, or by numbered pages."""
        lists.send(resp, await self._threads.run(self._list, req))

    def _list(self, req: Request) -> Listed:
        query = validation.query(JobsQuery, req.params)
        ordering = Ordering.of(query.ordering)
        page = listing.jobs(access.principal(req), self._counts, query.wanted(), ordering, query.stretch())
        if query.page is None:
            links = lists.by_cursor(req, query, page.last, ordering)
        else:
            links = lists.by_number(req, query.page, more=page.last is not None)
        results = lists.readable(Job.model_validate, page.items)
        shown = JobPage(count=page.count, next=links.get("next"), previous=links.get("prev"), results=results)
        return lists.listed(shown, links)


class NextOfJob:
    """`/api/jobs/{job_id}/next`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented(
        "listNextOccurrences",
        "jobs",
        {200: NextOccurrences},
        access=Required.JOB,
        scope=Scope.READ,
        query=CountQuery,
        problems=(404,),
    )
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """List a job's next occurrences, each with its nominal and its due instant."""
        query = validation.query(CountQuery, req.params)
        found = await self._threads.run(records.occurrences, access.principal(req), job_id, query.count)
        answers.send(resp, NextOccurrences(next=[Occurrence.model_validate(one) for one in found]))


class JobAction:
    """`/api/jobs/{job_id}/cancel`, `/pause` and `/resume`."""

    def __init__(self, system: System, threads: Threads, action: Callable[..., None]) -> None:
        self._system = system
        self._threads = threads
        self._action = action

    async def _act(self, req: Request, resp: Response, job_id: UUID) -> None:
        reason = reasons.of(req)
        content = await bodies.raw(req, self._system.settings.max_body_bytes)
        await self._answer(req, resp, job_id, content, reason=reason)

    async def _answer(self, req: Request, resp: Response, job_id: UUID, content: bytes, **given: Any) -> None:
        await keys.answer_once(
            self._system,
            self._threads,
            req,
            resp,
            content=content,
            act=lambda: self._changed(access.principal(req), job_id, given),
        )

    def _changed(self, principal: Principal, job_id: UUID, given: dict[str, Any]) -> Answer:
        self._action(principal, self._system, job_id, **given)
        return answers.answer(Job.model_validate(records.job(principal, job_id)))


class Cancel(JobAction):
    """`/api/jobs/{job_id}/cancel`."""

    @documented(
        "cancelJob",
        "jobs",
        {200: Job},
        access=Required.JOB,
        scope=Scope.OPERATE,
        query=ReasonQuery,
        problems=(404,),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Cancel a job: runs that have not started never will, those at work are stopped."""
        await self._act(req, resp, job_id)


class Pause(JobAction):
    """`/api/jobs/{job_id}/pause`."""

    @documented(
        "pauseJob",
        "jobs",
        {200: Job},
        access=Required.JOB,
        scope=Scope.OPERATE,
        query=PauseQuery,
        problems=(404,),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Pause a job: none of its runs starts until it is resumed, or until an instant. Again: until another one."""
        given = pause_queries.asked(req)
        content = pause_queries.content(await bodies.raw(req, self._system.settings.max_body_bytes), given)
        await self._answer(req, resp, job_id, content, reason=given.reason, until=given.until)


class Resume(JobAction):
    """`/api/jobs/{job_id}/resume`."""

    @documented(
        "resumeJob",
        "jobs",
        {200: Job},
        access=Required.JOB,
        scope=Scope.OPERATE,
        query=ReasonQuery,
        problems=(404,),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Resume a paused job."""
        await self._act(req, resp, job_id)
