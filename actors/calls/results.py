"""Turn an answer into a result; for a poll, with its new state."""

from __future__ import annotations

import re
from typing import Any

from actors.calls import http
from core import json_text, receiver_answers, storable
from core.errors import InvalidInput, TransientFailure
from services.execution.work import Failed, Result, Succeeded, Work
from services.scheduling.run_endings import LONGEST_RESULT

_JSON = re.compile(r"^[\w.-]+/(?:[\w.-]+\+)?json\b", re.IGNORECASE)


def text_of(answer: http.Answer) -> str:
    """Returns the answer's body as text that the database can store."""
    return storable.text(answer.body)


def json_of(answer: http.Answer) -> Any:
    """Returns the JSON value of an answer whose content type says JSON; None if it has none, or a large one."""
    if (
        answer.truncated
        or len(answer.body) > LONGEST_RESULT
        or not _JSON.search(answer.headers.get("content-type", ""))
    ):
        return None
    try:
        return json_text.parse(answer.body)
    except (ValueError, InvalidInput):  # the receiver has done its work: its answer is only kept as text
        return None


def result_of(work: Work, answer: http.Answer, made: Any = None) -> Result:
    """Returns the result of a successful answer; a poll whose answer cannot be read has failed."""
    text = text_of(answer)
    if work.polling_state is None:
        return Succeeded(answer.status_code, text, result=made)
    try:
        poll = receiver_answers.read_poll(answer.body, answer.truncated)
    except TransientFailure as error:
        error.status_code = answer.status_code
        return Failed(error, text)
    return Succeeded(answer.status_code, text, poll, result=made)
