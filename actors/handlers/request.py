"""Perform a run by the request that its job or its app defines, and judge the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from actors.calls import access_tokens, call_headers, http, masked_outcomes, results
from core import masking, receiver_answers, secret_references
from core.errors import Aborted, AttemptError, PermanentFailure, TransientFailure, Unavailable
from core.instants import shown
from core.masking import NOTHING_HIDDEN, Mask
from services.execution.work import Failed, Result, Work
from services.runtime.abort_scope import AbortScope
from services.secrets import named
from services.system import System
from services.task_types import filling
from services.task_types.http import PLACES_OF_SECRETS, HttpRequest, HttpTask
from services.task_types.validation_messages import first_fault


def perform(system: System, work: Work, scope: AbortScope) -> Result:
    """Send the request once. Raises `Aborted` when the scope is aborted."""
    mask, token = NOTHING_HIDDEN, None
    try:
        request, values = _wanted(work)
        secrets = _secrets(system, work, request)
        hidden = {*secrets.values(), *masking.plain_secrets(request.headers, request.url)}
        mask = work.transcript.mask = Mask(hidden)
        filled = _filled(request, secrets)
        call = _call(system, work, filled, {**values, "secret": secrets})
        if filled.oauth2 is not None:
            token = access_tokens.of(system, filled.oauth2, call, scope)
            mask = work.transcript.mask = Mask([*hidden, token.text])
            call = replace(call, headers={**call.headers, "Authorization": f"Bearer {token.text}"})
        answer = http.call(call, scope, work.transcript)
    except Unavailable as error:
        return Failed(TransientFailure(str(error), was_called=False))
    except AttemptError as error:
        return Failed(masked_outcomes.error_without_secrets(mask, error))
    except Aborted:
        raise
    except Exception as error:
        if mask.is_empty:
            raise
        raise RuntimeError(mask.text(f"{type(error).__name__}: {error}")) from None  # which is logged
    kept = masked_outcomes.answer_without_secrets(mask, answer)
    if token is not None and answer.status_code == HTTPStatus.UNAUTHORIZED and access_tokens.was_used_before(token):
        return Failed(access_tokens.refused(token), results.text_of(kept))
    return _judge(work, request, kept, system.clock.now())


def _secrets(system: System, work: Work, request: HttpRequest) -> dict[str, str]:
    """The app's secrets that the request asks for."""
    names = secret_references.names_in(request.model_dump(include=set(PLACES_OF_SECRETS)))
    return named.opened(system, work.app_id, names) if names else {}


def _filled(request: HttpRequest, secrets: Mapping[str, str]) -> HttpRequest:
    """The request with secrets filled in, except in its body; the call checks whether they are valid there."""
    if not secrets:
        return request
    headers = {name: secret_references.filled(value, secrets) for name, value in request.headers.items()}
    url = secret_references.filled_url(request.url, secrets)
    shown = request.client_certificate
    certificate = None if shown is None else secret_references.filled(shown, secrets)
    oauth2 = None if request.oauth2 is None else request.oauth2.filled(secrets)
    new = {"url": url, "headers": headers, "client_certificate": certificate, "oauth2": oauth2}
    return request.model_copy(update=new)


def _wanted(work: Work) -> tuple[HttpRequest, dict[str, Any]]:
    """Returns the request, and the values that its body is filled with."""
    try:
        if work.target.request is not None:
            return HttpRequest.model_validate(work.target.request), _values(work, work.data or {})
        task = HttpTask.model_validate(work.data or {})
    except ValidationError as error:
        path, message = first_fault(error)
        raise PermanentFailure(f"The request cannot be made: {path} {message}.") from None
    return task, _values(work, task.data)


def _values(work: Work, data: Any) -> dict[str, Any]:
    run = {
        "id": str(work.run_id),
        "job_id": str(work.job_id),
        "attempt": work.attempt,
        "scheduled_for": shown(work.scheduled_for),
    }
    return {"data": data, "run": run, "polling_state": work.polling_state}


def _call(system: System, work: Work, request: HttpRequest, values: dict[str, Any]) -> http.Call:
    content = filling.content(request.body, values)
    body = None if content is None else content.data
    headers = {
        "Idempotency-Key": str(work.run_id),
        "X-Carillon-Run-Id": str(work.run_id),
        **(work.signer.headers(str(work.run_id), system.clock.now(), body) if request.signed else {}),
        **call_headers.test_header(work),
    }
    if content is not None and "content-type" not in {name.lower() for name in request.headers}:
        headers["Content-Type"] = content.media_type
    return http.Call(
        url=request.url,
        method=request.method,
        body=body,
        headers={**call_headers.trace_headers(work, request.headers), **request.headers, **headers},
        connect_seconds=min(system.settings.connect_seconds, work.time_limit_seconds),
        read_seconds=work.time_limit_seconds,
        reach=system.settings.reach,
        way=replace(system.settings.way, app_id=work.app_id, certificate=request.client_certificate),
        over_new_connection=call_headers.over_new_connection(work),
    )


def _judge(work: Work, request: HttpRequest, answer: http.Answer, now: datetime) -> Result:
    if request.expects(answer.status_code):
        return results.result_of(work, answer, {"status_code": answer.status_code})
    failure = receiver_answers.failure_of(answer.status_code, answer.headers.get("retry-after"), now)
    return Failed(failure or _unexpected(answer.status_code), results.text_of(answer))


def _unexpected(status_code: int) -> PermanentFailure:
    message = (
        f"The receiver answered {status_code}, which is none of the expected_statuses; add it if it means success."
    )
    return PermanentFailure(message, status_code=status_code)
