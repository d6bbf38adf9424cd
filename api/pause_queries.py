"""What a request to pause says: why, and until when."""

from __future__ import annotations

import json

from falcon.asgi import Request

from api import validation
from api.schemas.audit import PauseQuery
from core import instants


def asked(req: Request) -> PauseQuery:
    """Returns what a request to pause says. Raises `InvalidInput`."""
    return validation.query(PauseQuery, req.params)


def content(body: bytes, given: PauseQuery) -> bytes:
    """Returns what an idempotency key stands for: a pause up to another instant is another request."""
    return body if given.until is None else json.dumps([instants.shown(given.until), body.decode("latin-1")]).encode()
