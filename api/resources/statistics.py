"""Statistics: jobs by status, what happened minute by minute, what each account used, and how long runs took."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, validation
from api.openapi import documented
from api.operations import Required
from api.schemas import account_usage
from api.schemas.account_usage import UsageOfAccounts, UsageQuery
from api.schemas.figures import JobStatistics, MinuteFigures, ScopeQuery, Series, SeriesQuery, SlowJob, SlowJobs
from api.schemas.run_figures import FiguresOfRuns, RunFiguresQuery
from api.threads import Threads
from core.scopes import Scope
from services.reading.statistics import job_statistics, minute_statistics, slow_jobs
from services.reading.statistics.account_usage import AccountUsage
from services.reading.statistics.run_figures import RunFigures
from services.system import System


class StatisticsOfJobs:
    """`/api/jobs/stats`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented(
        "getJobStatistics",
        "statistics",
        {200: JobStatistics},
        access=Required.ACCOUNT,
        scope=Scope.READ,
        query=ScopeQuery,
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """Count the jobs of each status."""
        query = validation.query(ScopeQuery, req.params)
        found = await self._threads.run(job_statistics.of_jobs, access.principal(req), query.wanted())
        answers.send(resp, JobStatistics.model_validate(found))


class SlowJobsOfAll:
    """`/api/jobs/slow`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._slow = slow_jobs.SlowJobs(system)
        self._threads = threads

    @documented(
        "listSlowJobs", "statistics", {200: SlowJobs}, access=Required.ACCOUNT, scope=Scope.READ, query=ScopeQuery
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the jobs whose newest runs all took much longer than was usual before."""
        query = validation.query(ScopeQuery, req.params)
        found = await self._threads.run(self._slow.of, access.principal(req), query.wanted())
        answers.send(resp, SlowJobs(results=[SlowJob.model_validate(one) for one in found]))


class MinuteSeries:
    """`/api/stats/series`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "getSeries", "statistics", {200: Series}, access=Required.ADMINISTRATION, scope=Scope.READ, query=SeriesQuery
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """Show what happened in each of the last minutes."""
        query = validation.query(SeriesQuery, req.params)
        found = await self._threads.run(minute_statistics.series, access.principal(req), self._system, query.minutes)
        answers.send(resp, Series(results=[MinuteFigures.of(one) for one in found]))


class UsageByAccount:
    """`/api/stats/accounts`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._usage = AccountUsage(system)
        self._threads = threads

    @documented(
        "listAccountUsage",
        "statistics",
        {200: UsageOfAccounts},
        access=Required.ACCOUNT,
        scope=Scope.READ,
        query=UsageQuery,
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the accounts that used most in the last minutes: runs, failures, attempts, and why runs wait."""
        query = validation.query(UsageQuery, req.params)
        found = await self._threads.run(self._usage.of, access.principal(req), query.asked())
        answers.send(resp, account_usage.show(found))


class FiguresOfAllRuns:
    """`/api/stats/runs`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._figures = RunFigures(system)
        self._threads = threads

    @documented(
        "listRunFigures",
        "statistics",
        {200: FiguresOfRuns},
        access=Required.ACCOUNT,
        scope=Scope.READ,
        query=RunFiguresQuery,
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the apps, task types or jobs with the most runs ended in the last minutes: outcomes and durations."""
        query = validation.query(RunFiguresQuery, req.params)
        found = await self._threads.run(self._figures.of, access.principal(req), query.asked())
        answers.send(resp, FiguresOfRuns.model_validate(found))
