"""RabbitMQ's errors translated to troubles with a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.runtime.troubles import Trouble

BROKER = "broker"
AWAY = Trouble(
    BROKER,
    "RabbitMQ does not answer.",
    "Start RabbitMQ, or correct RABBITMQ_URL. Nothing is lost: rings are sent again when it is back.",
)
REFUSED_USER = Trouble(
    BROKER,
    "RabbitMQ refuses the user of RABBITMQ_URL.",
    "Correct the name and the password in RABBITMQ_URL, or create the user in RabbitMQ.",
)
REFUSED_VHOST = Trouble(
    BROKER,
    "RabbitMQ does not have the virtual host of RABBITMQ_URL, or does not let its user in.",
    "Create the virtual host, and give the user of RABBITMQ_URL the permissions configure, write and read there.",
)
FULL = Trouble(
    BROKER,
    "RabbitMQ takes no messages at present: its memory or disk alarm is on.",
    "Free memory or disk space on RabbitMQ's host.",
)
_ACCESS_REFUSED, _NOT_FOUND, _RESOURCE_LOCKED, _PRECONDITION_FAILED, _NOT_ALLOWED = 403, 404, 405, 406, 530
_NO_QUEUE = "no queue"
_NAMED = re.compile(r"queue '([^']+)'")


def trouble_of(queue: str, error: BaseException) -> Trouble:
    """Returns the trouble that an error met while using a queue stands for."""
    causes = list(_causes(error))
    for cause in causes:
        code, text = getattr(cause, "reply_code", None), str(getattr(cause, "reply_text", ""))
        named = _NAMED.search(text)
        refusal = _refusal(code, named[1] if named else queue, text)
        if refusal is not None:
            return refusal
    names = {type(cause).__name__ for cause in causes}
    if names & {"ProbableAuthenticationError", "AuthenticationError"}:
        return REFUSED_USER
    if "ProbableAccessDeniedError" in names:
        return REFUSED_VHOST
    if "ConnectionBlockedTimeout" in names:
        return FULL
    if "NackError" in names:
        return Trouble(
            queue,
            f"The queue {queue} takes no more messages.",
            f"Remove the policy that limits the queue {queue}; Carillon keeps it short by itself.",
        )
    return AWAY


def is_missing(error: BaseException) -> bool:
    """Whether a queue is not there: somebody has deleted it since it was declared."""
    return any(
        getattr(cause, "reply_code", None) == _NOT_FOUND and _NO_QUEUE in str(getattr(cause, "reply_text", ""))
        for cause in _causes(error)
    )


def _refusal(code: int | None, queue: str, text: str) -> Trouble | None:
    if code == _PRECONDITION_FAILED:
        return Trouble(
            queue,
            f"The queue {queue} exists with other properties than Carillon needs: {_argument(text)}.",
            f"Delete the queue {queue} in RabbitMQ, and any policy that makes it so. It is declared again within "
            "seconds, and its rings are sent again: no job is lost.",
        )
    if code == _ACCESS_REFUSED and "login" not in text.lower():
        return Trouble(
            queue,
            f"RabbitMQ does not let the user of RABBITMQ_URL use {queue}.",
            "Give the user the permissions configure, write and read on the virtual host: "
            "rabbitmqctl set_permissions -p VHOST USER '.*' '.*' '.*'.",
        )
    if code == _RESOURCE_LOCKED:
        return Trouble(
            queue,
            f"The queue {queue} belongs to another connection: it was declared exclusive.",
            f"Close the connection that holds the queue {queue} in RabbitMQ.",
        )
    if code == _NOT_FOUND and "queue" in text:
        return Trouble(
            queue,
            f"The queue {queue} cannot be reached: it is gone, or the node that holds it is down.",
            f"Start that node of RabbitMQ, or delete the queue {queue}; it is declared again within seconds.",
        )
    return REFUSED_VHOST if code in (_NOT_ALLOWED, _NOT_FOUND) else None


def _argument(text: str) -> str:
    """Returns what differs, in RabbitMQ's words up to where it names queue and virtual host."""
    found = re.search(r"(inequivalent arg '[^']*')", text)
    return found[1] if found else "its arguments differ"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and those nested in it: dramatiq and pika each wrap one in another."""
    yield error
    for one in (*error.args, getattr(error, "message", None), getattr(error, "exceptions", None)):
        inner = one if isinstance(one, (list, tuple)) else [one]
        for cause in inner:
            if isinstance(cause, BaseException) and cause is not error:
                yield from _causes(cause)
