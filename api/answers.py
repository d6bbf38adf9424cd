"""Answers: a model becomes the body, in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode
from uuid import UUID

import falcon
from falcon.asgi import Request, Response
from pydantic import BaseModel

from api.schemas.paging import write_cursor


def send(resp: Response, model: BaseModel, status: int = 200) -> None:
    """Answer with a model."""
    resp.status = status
    resp.content_type = falcon.MEDIA_JSON
    resp.data = model.model_dump_json().encode()


def next_path(req: Request, cursor: UUID | None) -> str | None:
    """The path of the next page: what was asked for, from the cursor on. None at the list's end."""
    if cursor is None:
        return None
    parameters: Mapping[str, str | list[str]] = {**req.params, "cursor": write_cursor(cursor)}
    return f"{quote(req.path)}?{urlencode(parameters, doseq=True)}"


def link_next(resp: Response, path: str | None) -> None:
    """Name the next page in the header Link (RFC 8288)."""
    if path is not None:
        resp.set_header("Link", f'<{path}>; rel="next"')
