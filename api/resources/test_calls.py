"""Test calls of jobs."""

from __future__ import annotations

from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, bodies, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.test_calls import NewTestCall, TestCall
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.execution import test_call_places, test_calls
from services.system import System


class TestCallOfJob:
    """`/api/jobs/{job_id}/test-call`."""

    def __init__(self, system: System, calling: Threads) -> None:
        self._system = system
        self._calling = calling

    @documented(
        "testCall", "jobs", {200: TestCall}, access=Required.JOB, scope=Scope.OPERATE, problems=(403, 404, 409, 429)
    )
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Send the job's request once, now, marked by `X-Carillon-Test: true`, and show the answer.

        It needs the scope `read` besides `operate`, for it shows the job's data and its receiver's answer. No run is
        made and nothing follows; limits and the job's own pause do not hold it, while a pause of its app or of
        everything refuses it (409). It may take ten seconds; one at a time for each app and each caller.
        """
        with test_call_places.place():
            made = await self._calling.run(test_calls.of_job, access.principal(req), self._system, job_id)
        answers.send(resp, TestCall.model_validate(made))


class TestCallOfApp:
    """`/api/apps/{name}/test-call`."""

    def __init__(self, system: System, calling: Threads) -> None:
        self._system = system
        self._calling = calling

    @documented(
        "testCallOfApp",
        "apps",
        {200: TestCall},
        access=Required.APP,
        scope=Scope.JOBS,
        body=NewTestCall,
        problems=(403, 404, 409, 429),
    )
    async def on_post(self, req: Request, resp: Response, name: str) -> None:
        """Call an app's receiver once and now, as for a job of this type and data; as `testCall` does for a job.

        Like a new job it needs the scope `jobs`, and its data counts against the app's quota.
        """
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        with test_call_places.place():
            made = await self._calling.run(self._made, access.principal(req), name, body)
        answers.send(resp, made)

    def _made(self, principal: Principal, name: str, body: bytes) -> TestCall:
        given = validation.body(NewTestCall, bodies.parse(body))
        return TestCall.model_validate(test_calls.of_app(principal, self._system, name, given.task_type, given.data))
