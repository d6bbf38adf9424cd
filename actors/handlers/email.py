"""`send_email`: send the run's e-mails over one connection; a retry sends those that are not settled yet."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from actors.calls import connection
from core.errors import AttemptError, InvalidInput, PermanentFailure, TransientFailure
from core.networks import ANYWHERE
from services.apps import app_senders
from services.email import deliveries, mail
from services.email.deliveries import REFUSED, SENT, WAITING, Delivered
from services.execution.work import Failed, Result, Succeeded, Work
from services.runtime.abort_scope import AbortScope
from services.runtime.database_retry import retry_while_unavailable
from services.system import System
from services.task_types import send_email
from services.task_types.send_email import Batch, SendEmail
from services.task_types.validation_messages import first_fault

_READ_SECONDS = 30.0


def perform(system: System, work: Work, scope: AbortScope) -> Result:
    """Send the e-mails of one attempt. Raises `Aborted` when the scope is aborted.

    The run is completed when every message is settled and at least one was sent, failed when all were refused; while
    the server may still accept one later, the run is retried.
    """
    line = connection.Line(system.settings.connect_seconds, _READ_SECONDS, ANYWHERE)  # EMAIL_HOST is the operator's
    try:
        first_run = retry_while_unavailable(lambda: deliveries.first_run(work.run_id))
        parameters = _parameters(system, work)
        allowed = (
            retry_while_unavailable(lambda: app_senders.allowed(work.app_id)) if parameters.sender is not None else ()
        )
        batch = send_email.batch(system.settings, first_run, parameters, allowed)
        with (
            contextlib.closing(line),
            scope.interruptible(line.cut),
            mail.sending(system.settings, lambda host, port: line.connect(host, port).socket) as sender,
        ):
            letters = [replace(letter, trace=work.carried) for letter in batch.letters]
            became = deliveries.deliver(system, work.run_id, letters, sender, scope)
    except AttemptError as error:
        return Failed(error)
    return _judged(work.run_id, batch, became)


def _parameters(system: System, work: Work) -> SendEmail:
    """Returns the e-mail's parameters, validated again: a run may have its own data, and settings may have changed."""
    try:
        parameters = SendEmail.model_validate(work.data or {})
        send_email.check(system.settings, parameters)
    except InvalidInput as refusal:
        raise PermanentFailure(f"The e-mail cannot be sent: {refusal}") from refusal
    except ValidationError as refusal:
        path, message = first_fault(refusal, "data")
        raise PermanentFailure(f"The e-mail cannot be sent: {path}: {message}") from refusal
    return parameters


def _judged(run_id: UUID, batch: Batch, became: Sequence[Delivered]) -> Result:
    result = _result(run_id, batch, became)
    answer = json.dumps(result)
    waiting = [one for one in became if one.status == WAITING]
    if waiting:
        return Failed(TransientFailure(_why(waiting, became)), answer, result)
    refused = [one for one in became if one.status == REFUSED]
    if len(refused) == len(became):
        return Failed(PermanentFailure(_why(refused, became)), answer, result)
    return Succeeded(None, answer, result=result)


def _why(unsent: Sequence[Delivered], became: Sequence[Delivered]) -> str:
    """Returns why messages were not sent: the server's words on the first, and how many there are."""
    first = unsent[0]
    if len(became) == 1:
        return f"{first.recipient}: {first.words}"
    return f"{len(unsent)} of {len(became)} e-mails were not sent, the first to {first.recipient}: {first.words}"


def _result(run_id: UUID, batch: Batch, became: Sequence[Delivered]) -> dict[str, Any]:
    if batch.is_one:
        sent = became[0].status == SENT
        message = "Email sent successfully." if sent else f"Email not sent. {became[0].words}"
        return {"message": message, "recipient": became[0].recipient}
    counts = {status: sum(one.status == status for one in became) for status in (SENT, REFUSED, WAITING)}
    return {
        "message": f"{counts[SENT]} of {len(became)} e-mails sent.",
        "batch_id": str(run_id),
        **counts,
        "recipients": [_as_json(one) for one in became],
    }


def _as_json(one: Delivered) -> dict[str, str]:
    told = {"recipient": one.recipient, "status": one.status}
    return told if one.words is None else {**told, "error": one.words}
