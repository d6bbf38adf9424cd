"""Forms that a browser posts at addresses where programs send JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import falcon
from falcon.asgi import Request, Response

from api import bodies
from core.errors import InvalidInput

FORM = "application/x-www-form-urlencoded"
_MAX_FIELDS = 50


def is_form(req: Request) -> bool:
    """Whether a request is a form."""
    return (req.content_type or "").partition(";")[0].strip().lower() == FORM


async def read(req: Request, most: int) -> bytes:
    """Returns a request's body, of JSON or a form, not parsed yet. Raises as `bodies.read` does."""
    return await bodies.read(req, most, (falcon.MEDIA_JSON, FORM))


def parse(req: Request, body: bytes) -> Any:
    """Returns the JSON value, or the fields of the form, that a request carries. Raises as `bodies.parse` does."""
    if not is_form(req):
        return bodies.parse(body)
    req.context.form = _fields(body)  # a page shows again what was typed
    return bodies.without_faults(req.context.form)


def lead(resp: Response, path: str) -> None:
    """Answer a form with a redirect."""
    resp.status = falcon.HTTP_SEE_OTHER
    resp.set_header("Location", path)


def _fields(body: bytes) -> dict[str, str]:
    """Returns the fields of a form; of fields with one name, the last. Raises `InvalidInput`."""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise InvalidInput.at("body", f"has more than {_MAX_FIELDS} fields; send those that are asked for.") from None
    return {name: values[-1] for name, values in fields.items()}
