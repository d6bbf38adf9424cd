"""Runs on request: triggers, retries, replays and backfills; and the cancel of a single run."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, bodies, keys, validation
from api.answers import Answer
from api.openapi import documented
from api.operations import Required
from api.schemas.repeating import Backfill, NewBackfill, NewTrigger, Retried
from api.schemas.runs import Run
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.jobs import backfill, cancelling, requested_runs
from services.reading.views import RunView
from services.system import System


class RunAction:
    """What the actions share: they read a body, act in a thread, and answer once."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    async def _by_body(self, req: Request, resp: Response, act: Callable[[bytes], Answer]) -> None:
        """Answer with what comes of a JSON body."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        await keys.answer_once(self._system, self._threads, req, resp, content=body, act=lambda: act(body))

    async def _by_path(self, req: Request, resp: Response, act: Callable[[], Answer]) -> None:
        """Answer with what the path alone asks for."""
        content = await bodies.raw(req, self._system.settings.max_body_bytes)
        await keys.answer_once(self._system, self._threads, req, resp, content=content, act=act)


class TriggerOfJob(RunAction):
    """`/api/jobs/{job_id}/trigger`."""

    @documented(
        "triggerJob",
        "jobs",
        {201: Run},
        access=Required.JOB,
        scope=Scope.OPERATE,
        body=NewTrigger,
        problems=(404,),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Run a job now, besides what its schedule says; with other data for this run, if any is given."""
        await self._by_body(req, resp, lambda body: self._trigger(access.principal(req), job_id, body))

    def _trigger(self, principal: Principal, job_id: UUID, body: bytes) -> Answer:
        given = validation.body(NewTrigger, bodies.parse_if_any(body))
        return _made(requested_runs.trigger(principal, self._system, job_id, given.data))


class RetryOfJob(RunAction):
    """`/api/jobs/{job_id}/retry`."""

    @documented(
        "retryJob", "jobs", {200: Retried}, access=Required.JOB, scope=Scope.OPERATE, problems=(404,), takes_key=True
    )
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Set a failed job going again, with a new run in place of the one that failed last."""
        await self._by_path(req, resp, lambda: self._retry(access.principal(req), job_id))

    def _retry(self, principal: Principal, job_id: UUID) -> Answer:
        return answers.answer(Retried(run_id=requested_runs.retry(principal, self._system, job_id)))


class BackfillOfJob(RunAction):
    """`/api/jobs/{job_id}/backfill`."""

    @documented(
        "backfillJob",
        "jobs",
        {200: Backfill},
        access=Required.JOB,
        scope=Scope.OPERATE,
        body=NewBackfill,
        problems=(404,),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Run now what a schedule names in a span of time that has passed, at most 1,000 occurrences."""
        await self._by_body(req, resp, lambda body: self._backfill(access.principal(req), job_id, body))

    def _backfill(self, principal: Principal, job_id: UUID, body: bytes) -> Answer:
        given = validation.body(NewBackfill, bodies.parse(body))
        made = backfill.backfill(
            principal, self._system, job_id, given.start, given.end, again=given.again, dry_run=given.dry_run
        )
        return answers.answer(Backfill.model_validate(made))


class ReplayOfRun(RunAction):
    """`/api/runs/{run_id}/replay`."""

    @documented(
        "replayRun", "runs", {201: Run}, access=Required.RUN, scope=Scope.OPERATE, problems=(404,), takes_key=True
    )
    async def on_post(self, req: Request, resp: Response, run_id: UUID) -> None:
        """Run again what a run that failed or was cancelled was for."""
        await self._by_path(req, resp, lambda: self._replay(access.principal(req), run_id))

    def _replay(self, principal: Principal, run_id: UUID) -> Answer:
        return _made(requested_runs.replay(principal, self._system, run_id))


class CancelOfRun(RunAction):
    """`/api/runs/{run_id}/cancel`."""

    @documented(
        "cancelRun", "runs", {200: Run}, access=Required.RUN, scope=Scope.OPERATE, problems=(404,), takes_key=True
    )
    async def on_post(self, req: Request, resp: Response, run_id: UUID) -> None:
        """End one run: at once, or when the worker at it has stopped."""
        await self._by_path(req, resp, lambda: self._cancel(access.principal(req), run_id))

    def _cancel(self, principal: Principal, run_id: UUID) -> Answer:
        return answers.answer(Run.model_validate(cancelling.cancel(principal, self._system, run_id)))


def _made(view: RunView) -> Answer:
    """The answer that shows a run which was made now."""
    return answers.answer(Run.model_validate(view), 201, location=f"/api/runs/{view.id}")
