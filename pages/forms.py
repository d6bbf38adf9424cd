"""Forms as browsers post them: read within a limit, and only with the token of the session that shows them."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qs

import falcon
from falcon.asgi import Request

from core import json_text
from core.errors import FieldError, Forbidden, InvalidInput
from pages.page_request import Asked

MEDIA_FORM = "application/x-www-form-urlencoded"
TOKEN = "form_token"  # noqa: S105  the name of a field
KEY = "key"
"""The field by which a form that is sent twice is known."""
REASON = "reason"
UNTIL = "until"
MAX_FIELDS = 200
LONGEST_KEY = 64
_MAX_DIGITS = 20
_DECIMAL = re.compile(r"[0-9]{1,12}\.[0-9]{1,6}")

_AS_TYPED = ("current_password", "new_password", "again", "value")
"""Fields that are taken to the letter."""
_WITH_SPACES = ("failure",)
"""Fields in which a space at either end counts, but not how a browser writes the ends of lines."""

Form = Mapping[str, str]
Returned = TypeVar("Returned")


class Run(Protocol):
    """Calls a function in a thread."""

    def __call__(self, function: Callable[..., Returned], *args: Any) -> Awaitable[Returned]: ...


def is_form(req: Request) -> bool:
    """Whether a request is a form that a browser posts."""
    return (req.content_type or "").partition(";")[0].strip().lower() == MEDIA_FORM


async def read(req: Request, asked: Asked, most: int, run: Run) -> Form:
    """Returns the fields of a form, the last of each name, without spaces at either end; `run` has a thread parse it.

    Raises `Forbidden` without the session's token, `InvalidInput` for text that cannot be stored, Falcon's 415 for what
    is no form, and 413 for one that is too large.
    """
    if not is_form(req):
        raise falcon.HTTPUnsupportedMediaType(description=f"Send a form, as {MEDIA_FORM}; programs use the API.")
    return await run(_checked, await _body(req, most), asked)


def of_texts(texts: Mapping[str, str], asked: Asked) -> Form:
    """Returns the fields of a form that was read part by part, as `read` does. Raises as it does."""
    return _of_session({name: _typed(name, value) for name, value in texts.items()}, asked)


def _checked(body: bytes, asked: Asked) -> Form:
    return _of_session(_parsed(body), asked)


def _of_session(form: dict[str, str], asked: Asked) -> Form:
    """Returns a form without the token of its session. Raises `Forbidden` for another."""
    if not hmac.compare_digest(form.pop(TOKEN, "").encode(), asked.form_token.encode()):
        raise Forbidden("The form is not of this session. Reload the page, then send it again.")
    json_text.checked(form)
    if len(form.get(KEY, "")) > LONGEST_KEY:
        raise InvalidInput.at(KEY, f"has more than {LONGEST_KEY} characters; reload the page.")
    return form


def data(text: str, name: str = "data") -> dict[str, Any] | None:
    """Returns the JSON object that a field holds; None for an empty one. Raises `InvalidInput` for anything else."""
    if not text:
        return None
    try:
        value = json_text.parse(text.encode())
    except ValueError as error:
        raise InvalidInput.at(name, f"cannot be read as JSON: {error}.") from None
    except InvalidInput as refusal:
        raise InvalidInput(*(FieldError(name, f"{one.field} {one.message}") for one in refusal.fields)) from None
    if not isinstance(value, dict):
        raise InvalidInput.at(name, 'must be a JSON object, for example {"some_key": "some_value"}.')
    return value


async def _body(req: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in req.stream:
        body += chunk
        if len(body) > most:
            raise falcon.HTTPContentTooLarge(description=f"The form is larger than {most} bytes. Send a smaller one.")
    if len(body) < (req.content_length or 0):  # a filter or a reason at its end would be missing
        raise falcon.HTTPBadRequest(title="The form is cut off", description="Its end is missing. Send it again.")
    return bytes(body)


def _parsed(body: bytes) -> dict[str, str]:
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise InvalidInput.at("form", f"has more than {MAX_FIELDS} fields; send those of the page.") from None
    return {name: _typed(name, values[-1]) for name, values in fields.items()}


def _typed(name: str, value: str) -> str:
    if name in _AS_TYPED:
        return value
    lines = value.replace("\r\n", "\n")
    return lines if name in _WITH_SPACES else lines.strip()


def seen(form: Form, name: str) -> frozenset[str]:
    """Returns the ETag that what a form changes had when its page was loaded: that of one without it fits nothing."""
    return frozenset({form.get(name, "")})


def typed_number(text: str) -> int | float | str:
    """Returns the number that is typed; what is none as it is, to be refused."""
    if text.isascii() and text.isdecimal() and len(text) < _MAX_DIGITS:
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
