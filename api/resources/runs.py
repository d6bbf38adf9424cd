"""Runs: across jobs, those of one job, one with its attempts; and a job's executions."""

from __future__ import annotations

from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, lists, validation
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.schemas.paging import NumberedQuery, PageQuery, RunsOfJobQuery, RunsQuery
from api.schemas.runs import (
    LINES_SHOWN,
    Attempt,
    Execution,
    Executions,
    LogLine,
    LogLines,
    LogQuery,
    Replay,
    Run,
    RunHold,
    RunPage,
    RunWithAttempts,
)
from api.threads import Threads
from core.listing import NEWEST_FIRST
from core.principals import Principal
from core.scopes import Scope
from services.reading import listing, records
from services.reading.counting import Counts
from services.reading.views import Page
from services.system import System


class Runs:
    """`/api/runs`."""

    def __init__(self, system: System, threads: Threads, counts: Counts) -> None:
        self._system = system
        self._threads = threads
        self._counts = counts

    @documented("findRuns", "runs", {200: RunPage}, access=Required.ACCOUNT, scope=Scope.READ, query=RunsQuery)
    async def on_get(self, req: Request, resp: Response) -> None:
        """List runs of all jobs, newest first.

        `failure` finds those that failed for a reason, which is written as `GET /api/failures` writes it, or as the
        `error_message` of one of them: the newest 1,000 that are neither dismissed nor replayed with an outcome. `host`
        finds such failures by the host that their last attempt called, as `GET /api/failures` names it; `-` means none.
        """
        lists.send(resp, await self._threads.run(self._list, req))

    def _list(self, req: Request) -> Listed:
        query = validation.query(RunsQuery, req.params)
        principal, wanted = access.principal(req), query.wanted()
        return _listed(req, query, listing.found_runs(principal, self._system, self._counts, wanted, query.stretch()))


class RunsOfJob:
    """`/api/jobs/{job_id}/runs`."""

    def __init__(self, threads: Threads, counts: Counts) -> None:
        self._threads = threads
        self._counts = counts

    @documented(
        "listRuns", "runs", {200: RunPage}, access=Required.JOB, scope=Scope.READ, query=RunsOfJobQuery, problems=(404,)
    )
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """List a job's runs, newest first."""
        lists.send(resp, await self._threads.run(self._list, req, job_id))

    def _list(self, req: Request, job_id: UUID) -> Listed:
        query = validation.query(RunsOfJobQuery, req.params).of(job_id)
        return _listed(req, query, listing.runs_of_job(access.principal(req), self._counts, job_id, query.stretch()))


class ExecutionsOfJob:
    """`/api/jobs/{job_id}/executions`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented(
        "listExecutions",
        "runs",
        {200: Executions},
        access=Required.JOB,
        scope=Scope.READ,
        query=NumberedQuery,
        problems=(404,),
    )
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """List a job's runs that have started, newest first, each with how it went and how long it took."""
        lists.send(resp, await self._threads.run(listed_executions, req, job_id))


class OneRun:
    """`/api/runs/{run_id}`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("getRun", "runs", {200: RunWithAttempts}, access=Required.RUN, scope=Scope.READ, problems=(404,))
    async def on_get(self, req: Request, resp: Response, run_id: UUID) -> None:
        """Show a run, what held it, and its attempts."""
        answers.send(resp, await self._threads.run(_whole, access.principal(req), run_id))


class LogOfRun:
    """`/api/runs/{run_id}/log`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented(
        "getLogOfRun",
        "runs",
        {200: LogLines},
        access=Required.RUN,
        scope=Scope.READ,
        query=LogQuery,
        problems=(404,),
    )
    async def on_get(self, req: Request, resp: Response, run_id: UUID) -> None:
        """Show the newest lines that a run's receivers logged or its command wrote, oldest first."""
        query = validation.query(LogQuery, req.params)
        found = await self._threads.run(records.log_of_run, access.principal(req), run_id, query.limit)
        answers.send(resp, LogLines(results=[LogLine.model_validate(one) for one in found]))


def _whole(principal: Principal, run_id: UUID) -> RunWithAttempts:
    found = records.whole_run(principal, run_id, LINES_SHOWN)
    return RunWithAttempts(
        **{name: getattr(found.run, name) for name in Run.model_fields},
        holds=[RunHold.model_validate(one) for one in found.holds],
        attempts=lists.readable(Attempt.model_validate, found.attempts),
        log=[LogLine.model_validate(one) for one in found.lines],
        replays=[Replay.model_validate(one) for one in found.replays],
    )


def listed_executions(req: Request, job_id: UUID) -> Listed:
    """Returns a page of a job's runs that have started. Raises `NotFound`."""
    query = validation.query(NumberedQuery, req.params)
    found, more = listing.executions(access.principal(req), job_id, query.stretch())
    shown = Executions(lists.readable(Execution.model_validate, found))
    return lists.listed(shown, lists.by_number(req, query.page, more=more))


def _listed(req: Request, query: PageQuery, page: Page) -> Listed:
    links = lists.by_cursor(req, query, page.last, NEWEST_FIRST)
    results = lists.readable(Run.model_validate, page.items)
    return lists.listed(RunPage(count=page.count, is_cut=page.is_cut, next=links.get("next"), results=results), links)
