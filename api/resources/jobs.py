"""Jobs: list, cancel, pause, resume."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, lists, reasons, validation
from api.actions import Action
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
from services.jobs import lifecycle
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


class CancelOfJob(Action):
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
        """Cancel a job: waiting runs are cancelled, running ones are stopped."""
        await self._by_path(req, resp, partial(self._cancel, job_id, reasons.of(req)))

    def _cancel(self, job_id: UUID, reason: str | None, principal: Principal) -> Answer:
        lifecycle.cancel(principal, self._system, job_id, reason=reason)
        return _shown(principal, job_id)


class PauseOfJob(Action):
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
        """Pause a job: no run of it starts until it is resumed, or until `until`. A second pause replaces `until`."""
        await self._by_pause(req, resp, partial(self._pause, job_id))

    def _pause(self, job_id: UUID, principal: Principal, given: PauseQuery) -> Answer:
        lifecycle.pause(principal, self._system, job_id, reason=given.reason, until=given.until)
        return _shown(principal, job_id)


class ResumptionOfJob(Action):
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
        await self._by_path(req, resp, partial(self._resume, job_id, reasons.of(req)))

    def _resume(self, job_id: UUID, reason: str | None, principal: Principal) -> Answer:
        lifecycle.resume(principal, self._system, job_id, reason=reason)
        return _shown(principal, job_id)


def _shown(principal: Principal, job_id: UUID) -> Answer:
    """Returns the answer that shows a job as it is now."""
    return answers.answer(Job.model_validate(records.job(principal, job_id)))
