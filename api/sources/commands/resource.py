"""002: the tasks of users who are logged in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, bodies, lists, validation
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.schemas.paging import NumberedQuery
from api.sources import translating
from api.sources.commands import schema, words
from api.sources.commands.schema import CommandTask, CommandTasks, NewCommandTask, WholeCommandTask
from api.sources.source_jobs import OneSourceJob, SourceJobs, whole
from core.listing import NEWEST_FIRST
from core.principals import Principal
from core.scopes import Scope
from services.access import users
from services.jobs.definition import Definition, NewJob
from services.reading.views import JobView
from services.task_types import run_command


class _Tasks(SourceJobs):
    source = words.SOURCE
    fields = words.FIELDS

    def shown(self, views: Sequence[JobView]) -> list[CommandTask]:
        """Returns jobs as 002 shows them, with their owners."""
        owners = users.named(self.system, {view.owner_id for view in views if view.owner_id is not None})
        return [schema.show(view, owners) for view in views]

    def show(self, view: JobView) -> CommandTask:
        """Returns a job as 002 shows it, with its owner."""
        return self.shown([view])[0]


class Tasks(_Tasks):
    """`/api/tasks`."""

    @documented(
        "listTasks",
        "002 tasks",
        {200: CommandTasks},
        access=Required.ACCOUNT,
        scope=Scope.READ,
        query=NumberedQuery,
        problems=(401, 404),
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the caller's tasks, newest first; administrators get everyone's."""
        _expect_user(req)
        lists.send(resp, await self.threads.run(self._list, req))

    @documented(
        "createTask",
        "002 tasks",
        {201: CommandTask},
        access=Required.ACCOUNT,
        scope=Scope.JOBS,
        body=NewCommandTask,
        problems=(401, 403),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Run a command at an instant in the future, or at once."""
        _expect_user(req)
        await self.answer_created(req, resp, self._parsed)

    def _list(self, req: Request) -> Listed:
        query = validation.query(NumberedQuery, req.params)
        views, links = self.listed(req, self.source.jobs(), NEWEST_FIRST, query)
        return lists.listed(CommandTasks(self.shown(views)), links)

    def _parsed(self, principal: Principal, body: bytes) -> NewJob:
        """Returns the task that a body asks for. Raises `InvalidInput`."""
        given = validation.body(NewCommandTask, bodies.parse(body))
        translating.expect_future("scheduled_time", given.scheduled_time, self.system.clock.now())
        translating.expect_known("command", run_command.KEY)
        return given.parsed(principal)


class OneTask(_Tasks, OneSourceJob):
    """`/api/tasks/{job_id}`."""

    @documented("getTask", "002 tasks", {200: CommandTask}, access=Required.JOB, scope=Scope.READ, problems=(401, 404))
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show a task."""
        _expect_user(req)
        await self.answer_shown(req, resp, job_id)

    @documented(
        "putTask",
        "002 tasks",
        {200: CommandTask},
        access=Required.JOB,
        scope=Scope.JOBS,
        body=WholeCommandTask,
        problems=(401, 403, 404, 409),
    )
    async def on_put(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Change a task that has not begun."""
        _expect_user(req)
        await self.answer_edited(req, resp, job_id, self._put)

    @documented("deleteTask", "002 tasks", {204: None}, access=Required.JOB, scope=Scope.JOBS, problems=(401, 404))
    async def on_delete(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Delete a task: a waiting run is cancelled, a running one may finish."""
        _expect_user(req)
        await self.answer_deleted(req, resp, job_id)

    def _put(self, principal: Principal, job_id: UUID, value: Any) -> JobView:
        owners = users.named(self.system, {one for one in (self.found(principal, job_id).owner_id,) if one is not None})

        def amend(view: JobView) -> Definition:
            shown = schema.show(view, owners)
            given: Any = whole(NewCommandTask, value, shown)
            if given.scheduled_time != shown.scheduled_time:
                translating.expect_future("scheduled_time", given.scheduled_time, self.system.clock.now())
            return translating.amended(view, schema.asked_for(shown).parsed(principal), given.parsed(principal))

        return self.edited(principal, job_id, amend)


def _expect_user(req: Request) -> None:
    if access.principal(req).user_id is None:
        raise access.unauthorized("A task needs a user. Log in with POST /api/login/, then send Authorization: Token.")
