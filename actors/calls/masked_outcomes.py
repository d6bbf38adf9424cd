"""Mask the secrets of a request in what came of it: a receiver may send back what it got."""

from __future__ import annotations

from dataclasses import replace

from actors.calls import http
from core.errors import AttemptError
from core.masking import Mask


def error_without_secrets(mask: Mask, error: AttemptError) -> AttemptError:
    """Returns the error of an attempt without the secrets."""
    told = mask.text(error.message)
    if told == error.message:
        return error
    seconds = error.retry_after_seconds
    return type(error)(told, status_code=error.status_code, retry_after_seconds=seconds, was_called=error.was_called)


def answer_without_secrets(mask: Mask, answer: http.Answer) -> http.Answer:
    """Returns an answer without the secrets."""
    if mask.is_empty:
        return answer
    headers = {name: mask.text(value) for name, value in answer.headers.items()}
    return replace(answer, headers=headers, body=mask.bytes(answer.body))
