"""Request bodies: read within a limit, then parsed as JSON that both databases and every reader can take."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from typing import Any, NoReturn

import falcon
from falcon.asgi import Request

from core.errors import FieldError, InvalidInput

MEDIA_MERGE_PATCH = "application/merge-patch+json"
DEEPEST = 32
_FAULTS_TOLD = 20
_MOST_DIGITS = 1_000


class BodyTooLarge(falcon.HTTPContentTooLarge):
    """The body is larger than the server takes."""

    def __init__(self, most: int) -> None:
        super().__init__(description=f"The body is larger than {most} bytes. Send a smaller one.")


async def read(req: Request, most: int, accepted: Collection[str] = (falcon.MEDIA_JSON,)) -> bytes:
    """The request's JSON body, not parsed yet; never more than `most` bytes of it are kept.

    Raises `BodyTooLarge`, or Falcon's 415 for a body that is declared to be something else than is accepted.
    """
    declared = (req.content_type or falcon.MEDIA_JSON).partition(";")[0].strip().lower()
    if declared not in accepted:
        raise falcon.HTTPUnsupportedMediaType(
            description=f"The body is {declared[:100]!r}. Send JSON, with Content-Type: {' or '.join(accepted)}."
        )
    return await raw(req, most)


async def raw(req: Request, most: int) -> bytes:
    """The request's body, whatever it is declared to be. Raises `BodyTooLarge`, or Falcon's 400 for one cut off."""
    body = bytearray()
    async for chunk in req.stream:
        body += chunk
        if len(body) > most:
            raise BodyTooLarge(most)
    if len(body) < (req.content_length or 0):  # the caller is gone, and will take it for not sent
        raise falcon.HTTPBadRequest(title="The body is cut off", description="Less came than Content-Length says.")
    return bytes(body)


def parse(body: bytes) -> Any:
    """The JSON value a body holds.

    Raises Falcon's 400 for what is not JSON or nests too deeply, and `InvalidInput` naming each text that holds a
    NUL character or half a surrogate pair, which PostgreSQL and JSON's readers refuse.
    """
    try:
        value = json.loads(body.decode(), parse_constant=_no_constant, parse_float=_finite, parse_int=_whole)
    except RecursionError:
        _refuse_depth()
    except ValueError as error:
        raise falcon.HTTPBadRequest(
            title="The body is not JSON", description=f"The body cannot be read as JSON: {error}."
        ) from None
    return without_faults(value)


def without_faults(value: Any) -> Any:
    """The value, if all texts in it can be stored and sent on. Raises as `parse` does."""
    faults = _faults(value)
    if faults:
        raise InvalidInput(*faults)
    return value


def parse_if_any(body: bytes) -> Any:
    """The JSON value a body holds; an empty object where there is no body. Raises as `parse` does."""
    return parse(body) if body else {}


def _faults(value: Any) -> list[FieldError]:
    """What is wrong with the texts in a value, each with its path. Raises when it nests too deeply."""
    faults: list[FieldError] = []
    waiting = [("", 0, value)]
    while waiting and len(faults) < _FAULTS_TOLD:
        path, depth, inner = waiting.pop()
        if isinstance(inner, str):
            if message := bad_text(inner):
                faults.append(FieldError(path or "body", message))
        elif isinstance(inner, dict | list):
            if depth == DEEPEST:
                _refuse_depth()
            waiting.extend((place, depth + 1, one) for place, one in _members(path, inner, faults))
    return faults


def _members(path: str, inner: dict[str, Any] | list[Any], faults: list[FieldError]) -> list[tuple[str, Any]]:
    dot = f"{path}." if path else ""
    if isinstance(inner, list):
        return [(f"{dot}{index}", one) for index, one in enumerate(inner) if isinstance(one, str | dict | list)]
    faults.extend(
        FieldError(path or "body", f"has a member whose name {message}") for message in map(bad_text, inner) if message
    )
    return [(f"{dot}{name}", one) for name, one in inner.items() if isinstance(one, str | dict | list)]


def bad_text(text: str) -> str | None:
    """What makes a text impossible to store or to send on, or None."""
    if "\0" in text:
        return "holds a NUL character (U+0000); remove it."
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half a surrogate pair; write whole characters."
    return None


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"{text[:40]}... has more than {_MOST_DIGITS} digits")
    return int(text)


def _refuse_depth() -> NoReturn:
    raise falcon.HTTPBadRequest(
        title="The body nests too deeply",
        description=f"The body nests deeper than {DEEPEST} levels. Send a flatter value.",
    )
