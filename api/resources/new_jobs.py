"""New jobs: one, or many in one request."""

from __future__ import annotations

from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, bodies, keys, validation
from api.answers import Answer
from api.creates import SMALL_BYTES, Creates
from api.openapi import documented
from api.operations import Required
from api.schemas.bulk import CreatedJobs, NewJobList
from api.schemas.jobs import Created, NewJob
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.jobs import lifecycle
from services.jobs.definition import NewJob as Wanted
from services.system import System


class NewJobs:
    """`/api/jobs/create`."""

    def __init__(self, system: System, threads: Threads, creates: Creates) -> None:
        self._system = system
        self._threads = threads
        self._creates = creates

    @documented(
        "createJob",
        "jobs",
        {201: Created},
        access=Required.ACCOUNT,
        scope=Scope.JOBS,
        body=NewJob,
        problems=(403, 404),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a job."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        if keys.read(req) is None and len(body) <= SMALL_BYTES:
            answers.give(resp, _created(await self._creates.create(access.principal(req), body, _parsed)))
            return
        await keys.answer_once(
            self._system, self._threads, req, resp, content=body, act=lambda: self._create(access.principal(req), body)
        )

    def _create(self, principal: Principal, body: bytes) -> Answer:
        return _created(lifecycle.create(principal, self._system, _parsed(body)))


def _parsed(body: bytes) -> Wanted:
    return validation.body(NewJob, bodies.parse(body)).parsed()


def _created(job_id: UUID) -> Answer:
    return answers.answer(Created(id=job_id), 201, location=f"/api/jobs/{job_id}")


class ManyNewJobs:
    """`/api/jobs/bulk`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "createJobs",
        "jobs",
        {201: CreatedJobs, 207: CreatedJobs},
        access=Required.ACCOUNT,
        scope=Scope.JOBS,
        body=NewJobList,
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Create up to 1,000 jobs: all of them or none, or each that is valid (207 when some failed)."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        await keys.answer_once(
            self._system, self._threads, req, resp, content=body, act=lambda: self._create(access.principal(req), body)
        )

    def _create(self, principal: Principal, body: bytes) -> Answer:
        wanted = validation.body(NewJobList, bodies.parse(body))
        created = CreatedJobs.of(
            lifecycle.create_many(principal, self._system, wanted.jobs, all_or_none=wanted.mode == "all")
        )
        return answers.answer(created, 207 if created.failed else 201)
