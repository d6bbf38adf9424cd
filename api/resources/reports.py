"""Reports about a run whose receiver answered 202: a heartbeat, lines for its log, its end, or its failure."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import falcon
from falcon.asgi import Request, Response
from pydantic import BaseModel

from api import answers, bodies, incoming, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.run_reports import Completion, EndedAttempt, Failure, Heartbeat, Lease, Log, Logged, TokenHeader
from api.threads import Threads
from core import json_text
from core.errors import WrongToken
from services.access.wrong_secrets import WrongSecrets
from services.execution import reports
from services.execution.reports import Sender
from services.scheduling.run_endings import LONGEST_RESULT
from services.system import System

_HEADER = "X-Carillon-Report-Token"


class ResultTooLarge(falcon.HTTPContentTooLarge):
    """The result is larger than a job can show."""

    def __init__(self) -> None:
        super().__init__(
            description=f"The result is more than {LONGEST_RESULT} bytes of JSON. Keep it elsewhere, and report where."
        )


class Report:
    """`/reports/{run_id}/...`: open to callers with the token that was sent with the callback."""

    def __init__(self, system: System, threads: Threads, wrong_secrets: WrongSecrets) -> None:
        self._system = system
        self._threads = threads
        self._wrong_secrets = wrong_secrets

    async def _answer(self, req: Request, resp: Response, run_id: UUID, take: Callable[..., BaseModel]) -> None:
        sender = Sender(run_id, req.get_header(_HEADER) or "")
        if incoming.of(req) is not None:  # a stranger's is refused before it is received
            await self._threads.run(self._expect_known, req.remote_addr, sender)
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        answers.send(resp, await self._threads.run(self._taken, req.remote_addr, sender, body, take))

    def _taken(self, address: str | None, sender: Sender, body: bytes, take: Callable[..., BaseModel]) -> BaseModel:
        self._expect_known(address, sender)
        return take(sender, bodies.parse_if_any(body))

    def _expect_known(self, address: str | None, sender: Sender) -> None:
        expect = partial(reports.expect_known, sender)
        self._wrong_secrets.looked_up(sender.token, address, expect, WrongToken)


class Heartbeats(Report):
    """`/reports/{run_id}/heartbeat`."""

    @documented(
        "reportHeartbeat",
        "reports",
        {200: Lease},
        access=Required.RECEIVER,
        headers=TokenHeader,
        body=Heartbeat,
        problems=(401, 409, 429),
    )
    async def on_post(self, req: Request, resp: Response, run_id: UUID) -> None:
        """Report that the work continues, and how far it is: the run's lease is renewed."""
        await self._answer(req, resp, run_id, self._keep)

    def _keep(self, sender: Sender, value: Any) -> Lease:
        wanted = validation.body(Heartbeat, value)
        return Lease.model_validate(reports.heartbeat(self._system, sender, wanted.seconds, wanted.told()))


class Logs(Report):
    """`/reports/{run_id}/log`."""

    @documented(
        "reportLog",
        "reports",
        {200: Logged},
        access=Required.RECEIVER,
        headers=TokenHeader,
        body=Log,
        problems=(401, 409, 429),
    )
    async def on_post(self, req: Request, resp: Response, run_id: UUID) -> None:
        """Log lines while the work goes on; the run keeps the newest, and its page shows them as they come.

        It keeps at most 1,000 lines of together 262,144 characters. Unlike the other reports, it counts against the
        request quota of the sender's address.
        """
        await self._answer(req, resp, run_id, self._log)

    def _log(self, sender: Sender, value: Any) -> Logged:
        return Logged.model_validate(reports.log_lines(self._system, sender, validation.body(Log, value).lines))


class Completions(Report):
    """`/reports/{run_id}/complete`."""

    @documented(
        "reportCompletion",
        "reports",
        {200: EndedAttempt},
        access=Required.RECEIVER,
        headers=TokenHeader,
        body=Completion,
        problems=(401, 409, 429),
    )
    async def on_post(self, req: Request, resp: Response, run_id: UUID) -> None:
        """Report that the work is done; for a poll, also its new state and whether it was the last."""
        await self._answer(req, resp, run_id, self._complete)

    def _complete(self, sender: Sender, value: Any) -> EndedAttempt:
        made = validation.body(Completion, value)
        if json_text.size(made.result) > LONGEST_RESULT:
            raise ResultTooLarge
        return EndedAttempt.model_validate(reports.complete(self._system, sender, made.result, made.poll()))


class Failures(Report):
    """`/reports/{run_id}/fail`."""

    @documented(
        "reportFailure",
        "reports",
        {200: EndedAttempt},
        access=Required.RECEIVER,
        headers=TokenHeader,
        body=Failure,
        problems=(401, 409, 429),
    )
    async def on_post(self, req: Request, resp: Response, run_id: UUID) -> None:
        """Report that the work has failed; unless `permanent`, it is tried again as retries allow."""
        await self._answer(req, resp, run_id, self._fail)

    def _fail(self, sender: Sender, value: Any) -> EndedAttempt:
        failure = validation.body(Failure, value)
        return EndedAttempt.model_validate(reports.fail(self._system, sender, failure.error()))
