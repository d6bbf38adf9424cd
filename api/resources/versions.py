"""The versions of a job: list, show, compare, revert."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, preconditions, reasons, user_edits
from api.actions import Action
from api.answers import Answer
from api.openapi import documented
from api.operations import Required
from api.preconditions import IfMatchHeader
from api.schemas.audit import ReasonQuery
from api.schemas.jobs import Job
from api.schemas.versions import Differences, JobInVersion, Version, Versions
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.jobs import version_history


class VersionsOfJob:
    """`/api/jobs/{job_id}/versions`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("listVersions", "jobs", {200: Versions}, access=Required.JOB, scope=Scope.READ, problems=(404,))
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """List the newest 100 versions of a job, newest first: since when, by whom, and why."""
        found = await self._threads.run(version_history.listed, access.principal(req), job_id)
        answers.send(resp, Versions(results=[Version.model_validate(one) for one in found]))


class VersionOfJob:
    """`/api/jobs/{job_id}/versions/{version}`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("getVersion", "jobs", {200: JobInVersion}, access=Required.JOB, scope=Scope.READ, problems=(404,))
    async def on_get(self, req: Request, resp: Response, job_id: UUID, version: int) -> None:
        """Show what a job was to do in a version. Former versions are kept as long as history is."""
        found = await self._threads.run(version_history.shown, access.principal(req), job_id, version)
        answers.send(resp, JobInVersion.of(found))


class ComparisonOfVersions:
    """`/api/jobs/{job_id}/versions/{version}/compare/{other}`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented("compareVersions", "jobs", {200: Differences}, access=Required.JOB, scope=Scope.READ, problems=(404,))
    async def on_get(self, req: Request, resp: Response, job_id: UUID, version: int, other: int) -> None:
        """Show the members in which two versions of a job differ: `before` in the first, `after` in the second."""
        principal = access.principal(req)
        found = await self._threads.run(version_history.compared, principal, job_id, version, other)
        answers.send(resp, Differences.of(found))


class RevertOfJob(Action):
    """`/api/jobs/{job_id}/versions/{version}/revert`."""

    @documented(
        "revertJob",
        "jobs",
        {200: Job},
        access=Required.JOB,
        scope=Scope.JOBS,
        query=ReasonQuery,
        headers=IfMatchHeader,
        problems=(403, 404, 409, 412),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response, job_id: UUID, version: int) -> None:
        """Restore a job to a former version, as a new version. If-Match applies as to any edit."""
        expected, reason = preconditions.expected(req), reasons.of(req)
        await self._by_path(req, resp, partial(self._revert, job_id, version, expected, reason))

    def _revert(
        self, job_id: UUID, version: int, expected: Collection[int] | None, reason: str | None, principal: Principal
    ) -> Answer:
        allow = partial(user_edits.expect_edit, principal)
        view = version_history.revert(
            principal, self._system, job_id, version, allow=allow, expected=expected, reason=reason
        )
        return answers.answer(Job.model_validate(view))
