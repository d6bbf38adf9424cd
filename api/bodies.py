"""Request bodies: read within a limit, then parsed as JSON that both databases and every reader can take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import falcon
from falcon.asgi import Request

from api.threads import Threads
from core import json_text
from core.json_text import bad_text

__all__ = [
    "MAX_BYTES_OPEN_TO_ALL",
    "MEDIA_MERGE_PATCH",
    "PATCHES",
    "QUICK_BYTES",
    "BodyTooLarge",
    "bad_text",
    "parse",
    "parse_if_any",
    "parsed",
    "read",
    "without_faults",
]

MEDIA_MERGE_PATCH = "application/merge-patch+json"
PATCHES = (MEDIA_MERGE_PATCH, falcon.MEDIA_JSON)
MAX_BYTES_OPEN_TO_ALL = 16 * 1024
"""The most bytes of a body where nobody is authenticated: only names, passwords and the like are sent there."""
QUICK_BYTES = 4 * 1024
"""Bodies up to this size are parsed faster than they could be handed to a thread and back."""

T = TypeVar("T")


class ParsedOnEventLoopError(RuntimeError):
    """A large body was to be parsed on the event loop, where all other requests would wait for it."""


class BodyTooLarge(falcon.HTTPContentTooLarge):
    """The body is larger than the server accepts."""

    def __init__(self, most: int) -> None:
        super().__init__(description=f"The body is larger than {most} bytes. Send a smaller one.")


async def read(req: Request, most: int, accepted: Collection[str] = (falcon.MEDIA_JSON,)) -> bytes:
    """Returns the request's JSON body, not parsed yet; never holds more than `most` bytes of it.

    Raises `BodyTooLarge`, or Falcon's 415 for a Content-Type that is not accepted.
    """
    declared = (req.content_type or falcon.MEDIA_JSON).partition(";")[0].strip().lower()
    if declared not in accepted:
        raise falcon.HTTPUnsupportedMediaType(
            description=f"The body is {declared[:100]!r}. Send JSON, with Content-Type: {' or '.join(accepted)}."
        )
    return await raw(req, most)


async def raw(req: Request, most: int) -> bytes:
    """Returns the request's body, of any Content-Type. Raises `BodyTooLarge`, or Falcon's 400 if it is cut off."""
    declared = req.content_length
    if declared is None:
        return await _undeclared(req, most)
    if declared > most:
        raise BodyTooLarge(most)
    body: bytes = await req.stream.read()
    if len(body) < declared:  # the caller has disconnected, and will assume that the request was not sent
        raise falcon.HTTPBadRequest(title="The body is cut off", description="Less came than Content-Length says.")
    return body


async def _undeclared(req: Request, most: int) -> bytes:
    """Returns a body without a declared length."""
    body = bytearray()
    async for chunk in req.stream:
        body += chunk
        if len(body) > most:
            raise BodyTooLarge(most)
    return bytes(body)


async def parsed(body: bytes, threads: Threads, read: Callable[[bytes], T]) -> T:
    """Returns what `read` makes of a body: on the event loop if the body is small, in a thread otherwise."""
    return read(body) if len(body) <= QUICK_BYTES else await threads.run(read, body)


def parse(body: bytes) -> Any:
    """Returns the JSON value of a body. Call it in a thread, or through `parsed`.

    Raises Falcon's 400 for what is not JSON or nests too deeply, and `InvalidInput` naming each member that is given
    twice, each NaN or infinity, and each text with a NUL character or half a surrogate pair.
    """
    if len(body) > QUICK_BYTES and _is_on_event_loop():
        raise ParsedOnEventLoopError(f"A body of {len(body)} bytes; parse it in a thread, or through bodies.parsed.")
    return _refused_as_problem(lambda: json_text.parse(body))


def without_faults(value: Any) -> Any:
    """Returns the value, if all texts in it can be stored and sent on. Raises as `parse` does."""
    return _refused_as_problem(lambda: json_text.checked(value))


def parse_if_any(body: bytes) -> Any:
    """Returns the JSON value of a body; an empty object where there is no body. Raises as `parse` does."""
    return parse(body) if body else {}


def _is_on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _refused_as_problem(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except json_text.NotJson as error:
        raise falcon.HTTPBadRequest(
            title="The body is not JSON", description=f"The body cannot be read as JSON: {error}."
        ) from None
    except json_text.TooDeep as error:
        raise falcon.HTTPBadRequest(title="The body nests too deeply", description=f"The body {error}.") from None
