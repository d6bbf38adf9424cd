"""What failed for good, grouped."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.failures import (
    FailingHost,
    FailingHosts,
    FailureGroup,
    Failures,
    FailuresQuery,
    GivenUpJob,
    HostsQuery,
)
from api.threads import Threads
from core.scopes import Scope
from services.reading.failures import failed_runs, failing_hosts
from services.reading.failures.given_up import AllGivenUp
from services.system import System


class GroupedFailures:
    """`/api/failures`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._given_up = AllGivenUp(system)
        self._threads = threads

    @documented("listFailures", "runs", {200: Failures}, access=Required.ACCOUNT, scope=Scope.READ, query=FailuresQuery)
    async def on_get(self, req: Request, resp: Response) -> None:
        """List undismissed runs that failed for good, grouped by app, task type, host and reason, the newest first."""
        answers.send(resp, await self._threads.run(self._grouped, req))

    def _grouped(self, req: Request) -> Failures:
        query = validation.query(FailuresQuery, req.params)
        principal, wanted, before = access.principal(req), query.wanted(), query.finished_before
        found = failed_runs.grouped(principal, self._system, query.hours, wanted, before=before, host=query.host)
        gave_up = self._given_up.of(principal, query.hours, wanted, before=before)
        groups = [FailureGroup.model_validate(one) for one in found.groups]
        jobs = [GivenUpJob.model_validate(one) for one in gave_up.results]
        return Failures(groups=groups, count=found.count, is_cut=found.is_cut, given_up=jobs)


class AllFailingHosts:
    """`/api/failures/hosts`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._hosts = failing_hosts.FailingHosts(system)
        self._threads = threads

    @documented(
        "listFailingHosts", "runs", {200: FailingHosts}, access=Required.ACCOUNT, scope=Scope.READ, query=HostsQuery
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the hosts whose calls fail at this moment: without an answer, or with a 5xx."""
        answers.send(resp, await self._threads.run(self._listed, req))

    def _listed(self, req: Request) -> FailingHosts:
        query = validation.query(HostsQuery, req.params)
        found = self._hosts.of(access.principal(req), query.wanted())
        return FailingHosts(results=[FailingHost.model_validate(one) for one in found])
