"""Perform a run by calling the application back, and read the answer as a result."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from actors.calls import call_headers, http, masked_outcomes, results
from core import json_text, masking, receiver_answers
from core.errors import AttemptError, PermanentFailure
from core.instants import shown
from core.masking import NOTHING_HIDDEN, Mask
from services.execution.work import Deferred, Failed, Result, Work
from services.runtime.abort_scope import AbortScope
from services.system import System


def perform(system: System, work: Work, scope: AbortScope) -> Result:
    """Call the application back for one attempt. Raises `Aborted` when the scope is aborted."""
    url, mask = work.target.url, NOTHING_HIDDEN
    try:
        if url is None:
            raise PermanentFailure(
                "No URL to call: the job has no callback_url, its app no callback_base_url, and CALLBACK_BASE_URL "
                "is not set. Give one of the three."
            )
        if hidden := masking.plain_secrets({}, url):
            mask = work.transcript.mask = Mask(hidden)
        answer = http.call(request_of(system, work, url), scope, work.transcript)
    except AttemptError as error:
        return Failed(masked_outcomes.error_without_secrets(mask, error))
    return _judge(work, masked_outcomes.answer_without_secrets(mask, answer), system.clock.now())


def request_of(system: System, work: Work, url: str) -> http.Call:
    """Returns the request of an attempt to an application's receiver."""
    body = json_text.compact(_body(work, url))
    headers = {
        **work.signer.headers(str(work.run_id), system.clock.now(), body),
        "Content-Type": "application/json",
        "Idempotency-Key": str(work.run_id),
        "X-Carillon-Job-Id": str(work.job_id),
        "X-Carillon-Run-Id": str(work.run_id),
        "X-Carillon-Attempt": str(work.attempt),
        "X-Carillon-Scheduled-For": shown(work.scheduled_for),
        "X-Carillon-Report-URL": f"{system.settings.address}/reports/{work.run_id}",
        "X-Carillon-Report-Token": work.report_token,
        **call_headers.test_header(work),
        **call_headers.trace_headers(work),
    }
    return http.Call(
        url=url,
        body=body,
        headers=headers,
        connect_seconds=min(system.settings.connect_seconds, work.time_limit_seconds),
        read_seconds=work.time_limit_seconds,
        reach=system.settings.reach_of_base if work.target.is_at_base else system.settings.reach,
        way=replace(system.settings.way, app_id=work.app_id),
        over_new_connection=call_headers.over_new_connection(work),
    )


def _body(work: Work, url: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "idempotency_key": str(work.run_id),
        "payload": {
            "callback_url": url,
            "max_retries": work.policy.max_retries,
            "retry_backoff_base": work.policy.base_seconds,
            "board_id": work.board_id,
            "data": work.data,
        },
    }
    if work.polling_state is not None:
        body |= {"job_id": str(work.job_id), "polling_state": work.polling_state}
    return body


def _judge(work: Work, answer: http.Answer, now: datetime) -> Result:
    failure = receiver_answers.failure_of(answer.status_code, answer.headers.get("retry-after"), now)
    if failure is not None:
        return Failed(failure, results.text_of(answer))
    if answer.status_code == HTTPStatus.ACCEPTED:
        return Deferred()
    return results.result_of(work, answer, results.json_of(answer))
