"""One action on many jobs, or the replay of many runs."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, bodies, keys, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.bulk_actions import JobActions, NewJobActions, NewReplays, NewRunActions, Replays, RunActions
from api.threads import Threads
from core.scopes import Scope
from services.jobs import bulk_actions
from services.jobs.bulk_actions import BulkOptions, JobAction, RunAction
from services.system import System


class ActionsOnJobs:
    """`/api/jobs/actions`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "actOnJobs",
        "jobs",
        {200: JobActions},
        access=Required.ACCOUNT,
        scope=Scope.OPERATE,
        body=NewJobActions,
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Pause, resume, cancel, delete, retry or trigger every job that fits the filter, in batches."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        answers.send(resp, await self._threads.run(self._act, req, body))

    def _act(self, req: Request, body: bytes) -> JobActions:
        principal, request = access.principal(req), keys.request(req, body)
        given = validation.body(NewJobActions, bodies.parse(body))
        after = None if given.cursor is None else given.cursor.id
        options = BulkOptions(
            dry_run=given.dry_run, after=after, request=request, reason=given.reason, until=given.until
        )
        action, wanted = JobAction(given.action), given.filter.wanted()
        outcome = bulk_actions.act(principal, self._system, action, wanted, options)
        return JobActions.of(outcome, dry_run=given.dry_run)


class ActionsOnRuns:
    """`/api/runs/actions`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "actOnRuns",
        "runs",
        {200: RunActions},
        access=Required.ACCOUNT,
        scope=Scope.OPERATE,
        body=NewRunActions,
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Replay, cancel or dismiss every run that fits the filter, in batches."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        answers.send(resp, await self._threads.run(self._act, req, body))

    def _act(self, req: Request, body: bytes) -> RunActions:
        principal, request = access.principal(req), keys.request(req, body)
        given = validation.body(NewRunActions, bodies.parse(body))
        after = None if given.cursor is None else given.cursor.id
        options = BulkOptions(
            dry_run=given.dry_run,
            after=after,
            limit=given.limit,
            request=request,
            reason=given.reason,
            again=given.again,
        )
        action, wanted = RunAction(given.action), given.filter.wanted()
        outcome = bulk_actions.act_on_runs(principal, self._system, action, wanted, options)
        return RunActions.of(outcome, dry_run=given.dry_run)


class ReplaysOfRuns:
    """`/api/runs/replay`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "replayRuns",
        "runs",
        {200: Replays},
        access=Required.ACCOUNT,
        scope=Scope.OPERATE,
        body=NewReplays,
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Replay every failed run that fits the filter, in batches."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        answers.send(resp, await self._threads.run(self._replay, req, body))

    def _replay(self, req: Request, body: bytes) -> Replays:
        principal, request = access.principal(req), keys.request(req, body)
        given = validation.body(NewReplays, bodies.parse(body))
        after = None if given.cursor is None else given.cursor.id
        options = BulkOptions(dry_run=given.dry_run, after=after, limit=given.limit, request=request)
        wanted = given.filter.wanted()
        outcome = bulk_actions.act_on_runs(principal, self._system, RunAction.REPLAY, wanted, options)
        return Replays.of(outcome, dry_run=given.dry_run)
