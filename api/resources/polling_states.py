"""The states that a polling job has had, and the rewind to one of them."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, lists, validation
from api.actions import Action
from api.answers import Answer
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.schemas.jobs import Job
from api.schemas.polling_states import NewRewind, PollingState, PollingStates, PollingStatesQuery
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.jobs import polling_states


class StatesOfJob:
    """`/api/jobs/{job_id}/polling-states`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    @documented(
        "listPollingStates",
        "jobs",
        {200: PollingStates},
        access=Required.JOB,
        scope=Scope.READ,
        query=PollingStatesQuery,
        problems=(404, 409),
    )
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """List the newest 50 states that a polling job has had, newest first; large ones a part at a time."""
        lists.send(resp, await self._threads.run(self._list, req, job_id))

    def _list(self, req: Request, job_id: UUID) -> Listed:
        query = validation.query(PollingStatesQuery, req.params)
        found = polling_states.history(access.principal(req), job_id, query.before)
        links = lists.by_version(req, found.states[-1].version if found.more else None)
        results = lists.readable(PollingState.model_validate, found.states)
        return lists.listed(PollingStates(next=links.get("next"), results=results), links)


class RewindOfJob(Action):
    """`/api/jobs/{job_id}/rewind`."""

    @documented(
        "rewindJob",
        "jobs",
        {200: Job},
        access=Required.JOB,
        scope=Scope.OPERATE,
        body=NewRewind,
        problems=(404,),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Continue polling from an earlier state, which becomes the newest version."""
        await self._by_body(req, resp, NewRewind, partial(self._rewind, job_id))

    def _rewind(self, job_id: UUID, principal: Principal, given: NewRewind) -> Answer:
        view = polling_states.rewind(principal, self._system, job_id, given.version)
        return answers.answer(Job.model_validate(view))
