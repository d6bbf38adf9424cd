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
from services.jobs import accepting, creating
from services.jobs.creation_outcomes import Refusal
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
        await keys.answer_prepared(
            self._system,
            self._threads,
            req,
            resp,
            content=body,
            prepare=lambda: accepting.validated(access.principal(req), self._system, _parsed(body)),
            act=lambda new: _created(creating.create_validated(access.principal(req), self._system, new)),
        )


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
        await keys.answer_prepared(
            self._system,
            self._threads,
            req,
            resp,
            content=body,
            prepare=lambda: self._validated(access.principal(req), body),
            act=lambda wanted: self._create(access.principal(req), *wanted),
        )

    def _validated(self, principal: Principal, body: bytes) -> tuple[list[Wanted | Refusal], bool]:
        """Returns the jobs of a body, or their refusals, and whether all of them or none are wanted."""
        wanted = validation.body(NewJobList, bodies.parse(body))
        return accepting.all_validated(principal, self._system, wanted.jobs), wanted.mode == "all"

    def _create(self, principal: Principal, wanted: list[Wanted | Refusal], all_or_none: bool) -> Answer:
        created = CreatedJobs.of(
            creating.create_many_validated(principal, self._system, wanted, all_or_none=all_or_none)
        )
        return answers.answer(created, 207 if created.failed else 201)
