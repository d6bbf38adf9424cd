"""Runs: those of a job, and one with its attempts."""

from __future__ import annotations

from uuid import UUID

from falcon.asgi import Request, Response

from api import answers, validation
from api.openapi import documented
from api.schemas.paging import PageQuery
from api.schemas.runs import Attempt, Run, RunPage, RunWithAttempts
from api.threads import Threads
from services import reading


class RunsOfJob:
    """`/api/jobs/{job_id}/runs`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("listRuns", "runs", {200: RunPage}, query=PageQuery, problems=(404,))
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """List a job's runs, newest first."""
        query = validation.query(PageQuery, req.params)
        page = await self._threads.run(reading.run_page, job_id, query.cursor, query.limit)
        following = answers.next_path(req, page.next_cursor)
        answers.link_next(resp, following)
        results = [Run.model_validate(view) for view in page.items]
        answers.send(resp, RunPage(count=page.count, next=following, results=results))


class OneRun:
    """`/api/runs/{run_id}`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("getRun", "runs", {200: RunWithAttempts}, problems=(404,))
    async def on_get(self, _req: Request, resp: Response, run_id: UUID) -> None:
        """Look at a run and its attempts."""
        view, attempts = await self._threads.run(reading.run, run_id)
        shown = RunWithAttempts(
            **Run.model_validate(view).model_dump(),
            attempts=[Attempt.model_validate(one) for one in attempts],
        )
        answers.send(resp, shown)
