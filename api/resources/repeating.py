"""Runs on request: triggers, retries, replays and backfills; and cancelling a single run."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from falcon.asgi import Request, Response

from api import answers, bodies, reasons
from api.actions import Action
from api.answers import Answer
from api.openapi import documented
from api.operations import Required
from api.schemas.audit import ReasonQuery
from api.schemas.repeating import Backfill, NewBackfill, NewReplay, NewTrigger, Retried
from api.schemas.runs import Run
from core.principals import Principal
from core.scopes import Scope
from services.jobs import backfill, requested_runs, run_actions
from services.reading.views import RunView


class TriggerOfJob(Action):
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
        """Run a job now, in addition to its schedule; `data`, if given, replaces the job's for this run.

        With `data`, jobs of a task type that Carillon performs itself, for example `http`, also need the scope `jobs`.
        """
        await self._by_body(req, resp, NewTrigger, partial(self._trigger, job_id), bodies.parse_if_any)

    def _trigger(self, job_id: UUID, principal: Principal, given: NewTrigger) -> Answer:
        return _made(requested_runs.trigger(principal, self._system, job_id, given.data))


class RetryOfJob(Action):
    """`/api/jobs/{job_id}/retry`."""

    @documented(
        "retryJob", "jobs", {200: Retried}, access=Required.JOB, scope=Scope.OPERATE, problems=(404,), takes_key=True
    )
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Retry a failed job, with a new run in place of the one that failed last."""
        await self._by_path(req, resp, partial(self._retry, job_id))

    def _retry(self, job_id: UUID, principal: Principal) -> Answer:
        return answers.answer(Retried(run_id=requested_runs.retry(principal, self._system, job_id)))


class BackfillOfJob(Action):
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
        """Run now the occurrences of a job's schedule in a past span of time, at most 1,000."""
        await self._by_body(req, resp, NewBackfill, partial(self._backfill, job_id))

    def _backfill(self, job_id: UUID, principal: Principal, given: NewBackfill) -> Answer:
        made = backfill.backfill(
            principal, self._system, job_id, given.start, given.end, again=given.again, dry_run=given.dry_run
        )
        return answers.answer(Backfill.model_validate(made))


class ReplayOfRun(Action):
    """`/api/runs/{run_id}/replay`."""

    @documented(
        "replayRun",
        "runs",
        {201: Run},
        access=Required.RUN,
        scope=Scope.OPERATE,
        body=NewReplay,
        problems=(404,),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response, run_id: UUID) -> None:
        """Replay a run that failed or was cancelled: repeat it with a new run; `data`, if given, replaces its data.

        With `again`, also a run that completed: its receiver is called once more, under another key. Completed polls
        and uploads cannot be replayed.

        With `data`, jobs of a task type that Carillon performs itself, for example `http`, also need the scope `jobs`.
        """
        await self._by_body(req, resp, NewReplay, partial(self._replay, run_id), bodies.parse_if_any)

    def _replay(self, run_id: UUID, principal: Principal, given: NewReplay) -> Answer:
        return _made(requested_runs.replay(principal, self._system, run_id, given.data, again=given.again))


class CancelOfRun(Action):
    """`/api/runs/{run_id}/cancel`."""

    @documented(
        "cancelRun",
        "runs",
        {200: Run},
        access=Required.RUN,
        scope=Scope.OPERATE,
        query=ReasonQuery,
        problems=(404,),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response, run_id: UUID) -> None:
        """Cancel one run: at once, or, if it is running, as soon as its worker has stopped it."""
        await self._by_path(req, resp, partial(self._cancel, run_id, reasons.of(req)))

    def _cancel(self, run_id: UUID, reason: str | None, principal: Principal) -> Answer:
        return answers.answer(Run.model_validate(run_actions.cancel(principal, self._system, run_id, reason)))


def _made(view: RunView) -> Answer:
    """Returns the answer that shows a newly created run."""
    return answers.answer(Run.model_validate(view), 201, location=f"/api/runs/{view.id}")
