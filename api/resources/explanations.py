"""Explanations: why a job did or did not run."""

from __future__ import annotations

from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.explanations import Explanation, ExplanationQuery
from api.threads import Threads
from core.scopes import Scope
from services.reading.explaining import explanations
from services.system import System


class WhyOfJob:
    """`/api/jobs/{job_id}/why`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "explainJob",
        "jobs",
        {200: Explanation},
        access=Required.JOB,
        scope=Scope.READ,
        query=ExplanationQuery,
        problems=(404,),
    )
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Explain in words why a job did or did not run at an instant."""
        query = validation.query(ExplanationQuery, req.params)
        found = await self._threads.run(explanations.explain, access.principal(req), self._system, job_id, query.at)
        answers.send(resp, Explanation.model_validate(found))
