"""New jobs: one, or many in one request."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import answers, bodies, callers, keys, validation
from api.callers import Caller
from api.openapi import documented
from api.schemas.bulk import CreatedJobs, NewJobList
from api.schemas.jobs import Created, NewJob
from api.threads import Threads
from services import jobs
from services.definitions import NewJob as Wanted
from services.system import System


class NewJobs:
    """`/api/jobs/create`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("createJob", "jobs", {201: Created}, headers=keys.KeyHeader, body=NewJob, problems=(403, 404, 409, 422))
    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a job; under an Idempotency-Key, once."""
        key = keys.read(req)
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        created = await self._threads.run(self._create, callers.of(req), key, body)
        resp.set_header("Location", f"/api/jobs/{created.id}")
        answers.send(resp, created, status=201)

    def _create(self, caller: Caller, key: str | None, body: bytes) -> Created:
        value = bodies.parse(body)
        new = validation.body(NewJob, value).parsed()
        request = keys.request("createJob", key, value, caller, [new.app_name])
        return Created(id=jobs.create(self._system, new, request))


class ManyNewJobs:
    """`/api/jobs/bulk`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "createJobs",
        "jobs",
        {201: CreatedJobs, 207: CreatedJobs},
        headers=keys.KeyHeader,
        body=NewJobList,
        problems=(409, 422),
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Create up to 1,000 jobs: all of them or none, or each that nothing speaks against (207 when some failed)."""
        key = keys.read(req)
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        created = await self._threads.run(self._create, callers.of(req), key, body)
        answers.send(resp, created, status=207 if created.failed else 201)

    def _create(self, caller: Caller, key: str | None, body: bytes) -> CreatedJobs:
        value = bodies.parse(body)
        wanted = validation.body(NewJobList, value)
        apps = (new.app_name for new in wanted.jobs if isinstance(new, Wanted))
        request = keys.request("createJobs", key, value, caller, apps)
        return CreatedJobs.of(jobs.create_many(self._system, wanted.jobs, request, all_or_none=wanted.mode == "all"))
