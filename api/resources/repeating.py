"""Runs that someone wishes for: triggers, retries, replays, backfills; and one that someone does not wish for."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from falcon.asgi import Request, Response

from api import answers, bodies, validation
from api.openapi import documented
from api.schemas.repeating import Backfill, NewBackfill, NewTrigger, Retried
from api.schemas.runs import Run
from api.threads import Threads
from services.control import backfilling, repeating, runs
from services.control.backfilling import Backfilled
from services.reading.views import RunView
from services.system import System


class Wish:
    """What the wishes share: they read a body, and act in a thread."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    async def _body(self, req: Request) -> bytes:
        return await bodies.read(req, self._system.settings.max_body_bytes)

    async def _make(self, resp: Response, make: Callable[[], RunView]) -> None:
        """Answer with a run that is made now."""
        view = await self._threads.run(make)
        resp.set_header("Location", f"/api/runs/{view.id}")
        answers.send(resp, Run.model_validate(view), status=201)


class TriggerOfJob(Wish):
    """`/api/jobs/{job_id}/trigger`."""

    @documented("triggerJob", "jobs", {201: Run}, body=NewTrigger, problems=(404, 409))
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Run a job now, besides what its schedule says; with other data for this run, if any is given."""
        body = await self._body(req)
        await self._make(resp, lambda: self._trigger(job_id, body))

    def _trigger(self, job_id: UUID, body: bytes) -> RunView:
        given = validation.body(NewTrigger, bodies.parse_if_any(body))
        return repeating.trigger(self._system, job_id, given.data)


class RetryOfJob(Wish):
    """`/api/jobs/{job_id}/retry`."""

    @documented("retryJob", "jobs", {200: Retried}, problems=(400, 404, 409))
    async def on_post(self, _req: Request, resp: Response, job_id: UUID) -> None:
        """Set a failed job going again, with a new run in place of the one that failed last."""
        run_id = await self._threads.run(repeating.retry, self._system, job_id)
        answers.send(resp, Retried(run_id=run_id))


class BackfillOfJob(Wish):
    """`/api/jobs/{job_id}/backfill`."""

    @documented("backfillJob", "jobs", {200: Backfill}, body=NewBackfill, problems=(404, 409))
    async def on_post(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Run now what a schedule names in a span of time that has passed, at most 1,000 occurrences."""
        body = await self._body(req)
        answers.send(resp, Backfill.model_validate(await self._threads.run(self._backfill, job_id, body)))

    def _backfill(self, job_id: UUID, body: bytes) -> Backfilled:
        given = validation.body(NewBackfill, bodies.parse(body))
        return backfilling.backfill(
            self._system, job_id, given.start, given.end, again=given.again, dry_run=given.dry_run
        )


class ReplayOfRun(Wish):
    """`/api/runs/{run_id}/replay`."""

    @documented("replayRun", "runs", {201: Run}, problems=(404, 409))
    async def on_post(self, _req: Request, resp: Response, run_id: UUID) -> None:
        """Run again what a run that failed or was cancelled was for."""
        await self._make(resp, lambda: repeating.replay(self._system, run_id))


class CancelOfRun(Wish):
    """`/api/runs/{run_id}/cancel`."""

    @documented("cancelRun", "runs", {200: Run}, problems=(404, 409))
    async def on_post(self, _req: Request, resp: Response, run_id: UUID) -> None:
        """End one run: at once, or when the worker at it has stopped."""
        answers.send(resp, Run.model_validate(await self._threads.run(runs.cancel, self._system, run_id)))
