"""Answers: a model becomes the body, in JSON."""

from __future__ import annotations

import falcon
from falcon.asgi import Response
from pydantic import BaseModel


def send(resp: Response, model: BaseModel, status: int = 200) -> None:
    """Answer with a model."""
    resp.status = status
    resp.content_type = falcon.MEDIA_JSON
    resp.data = model.model_dump_json().encode()
