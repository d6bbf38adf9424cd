"""The meaning of a receiver's answer: delivered, worth trying again, or final; and the content of a poll's answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NoReturn

from core import json_text
from core.errors import AttemptError, InvalidInput, PermanentFailure, TransientFailure
from core.json_text import NotJson, TooDeep
from core.retry import MAX_RETRY_AFTER_SECONDS

NEXT_POLL_CAP_SECONDS = 31_536_000.0
MESSAGE_CAP = 1_000
MAX_NUMBER = 1e15
"""Up to this, progress is counted."""

Progress = float | dict[str, float]

_TRANSIENT_CODES = frozenset({408, 425, 429})
_SECONDS = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def failure_of(status_code: int, retry_after: str | None, now: datetime) -> AttemptError | None:
    """Returns the failure that an answer's status means, or None if the call was delivered.

    `retry_after` is the header of that name as received; a date in it is compared with `now` (UTC).
    A status outside 100 to 599 counts as a server error (RFC 9110, section 15).
    """
    if status_code in range(200, 300):
        return None
    seconds = _retry_after_seconds(retry_after, now)
    if _may_pass(status_code):
        message = f"The receiver answered {_named(status_code)}; it is tried again while retries are left."
        return TransientFailure(message, status_code=status_code, retry_after_seconds=seconds)
    message = f"The receiver answered {_named(status_code)}; {_why_hopeless(status_code)}."
    return PermanentFailure(message, status_code=status_code, retry_after_seconds=seconds)


@dataclass(frozen=True)
class PollAnswer:
    """The content of a poll's answer. `polling_state` None keeps the old state.

    `progress` is a share from 0 to 1, or `{"done": n, "total": m}`.
    """

    polling_state: dict[str, Any] | None
    done: bool
    next_in_seconds: float | None
    progress: Progress | None
    message: str | None


def read_poll(body: bytes, truncated: bool) -> PollAnswer:
    """Reads a poll's answer; members it does not know, or that have a wrong form, are ignored.

    Raises `TransientFailure` when the answer is not a JSON object, cannot be stored (too deep, a member given twice,
    NUL or half a surrogate pair in a text), or has a `polling_state` that is not an object. Only JSON `true` ends a
    job.
    """
    if truncated:
        _refuse("longer than what is read of an answer")
    answer = _parsed(body)
    if not isinstance(answer, dict):
        _refuse("not a JSON object")
    state = answer.get("polling_state", {})
    if not isinstance(state, dict):
        _refuse("JSON, but its polling_state is not an object")
    return PollAnswer(
        polling_state=state if "polling_state" in answer else None,
        done=answer.get("done") is True,
        next_in_seconds=_next_in_seconds(answer.get("next_in_seconds")),
        progress=progress_of(answer.get("progress")),
        message=_message(answer.get("message")),
    )


def progress_of(value: Any) -> Progress | None:
    """Returns the progress that a member of an answer says; None if it has another form than `PollAnswer.progress`."""
    if isinstance(value, Mapping):
        done, total = _number(value.get("done")), _number(value.get("total"))
        if done is None or total is None or not 0 <= done <= total:
            return None
        return {"done": done, "total": total}
    share = _number(value)
    return share if share is not None and 0 <= share <= 1 else None


def _may_pass(status_code: int) -> bool:
    return status_code in _TRANSIENT_CODES or status_code >= 500 or status_code < 100  # noqa: PLR2004  RFC 9110


def _named(status_code: int) -> str:
    try:
        return f"{status_code} {HTTPStatus(status_code).phrase}"
    except ValueError:
        return str(status_code)


def _why_hopeless(status_code: int) -> str:
    match status_code // 100:
        case 1:
            return "that is not a final answer, and asking again would bring the same"
        case 3:
            return "redirects are not followed, so give the job the final address"
        case _:
            return "trying the same request again cannot help"


def _retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Reads `Retry-After`: seconds or an HTTP date (RFC 9110, section 10.2.3); what is neither is ignored."""
    text = (header or "").strip()
    seconds = float(text) if _SECONDS.fullmatch(text) else _seconds_until(text, now)
    return None if seconds is None else min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _seconds_until(text: str, now: datetime) -> float | None:
    try:
        instant = parsedate_to_datetime(text)
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)  # asctime's form names no zone and means UTC
        return (instant - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _refuse(fault: str) -> NoReturn:
    raise TransientFailure(
        f"The answer to the poll is {fault}; answer with an object that has polling_state and done.",
    )


def _parsed(body: bytes) -> Any:
    try:
        return json_text.parse(body)
    except (NotJson, TooDeep) as error:
        _refuse(f"not JSON that can be read: {error}")
    except InvalidInput as error:
        _refuse(f"JSON that cannot be stored: {str(error).rstrip('.')}")


def _number(value: Any) -> float | None:
    """Returns the value as a finite float, or None; `true` is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _next_in_seconds(value: Any) -> float | None:
    seconds = _number(value)
    return None if seconds is None or seconds < 0 else min(seconds, NEXT_POLL_CAP_SECONDS)


def _message(value: Any) -> str | None:
    return value[:MESSAGE_CAP] if isinstance(value, str) else None
