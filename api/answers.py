"""Answer with a model as the JSON body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import falcon
from falcon.asgi import Response
from pydantic import BaseModel


@dataclass(frozen=True)
class Answer:
    """A whole JSON answer, which can be stored and given again."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(model: BaseModel, status: int = 200, *, location: str | None = None) -> Answer:
    """Returns the answer that shows a model, with the `location` of what was created."""
    return Answer(status, model.model_dump_json(), {} if location is None else {"Location": location})


def give(resp: Response, given: Answer) -> None:
    """Send this answer."""
    resp.status = given.status
    resp.content_type = falcon.MEDIA_JSON
    resp.data = given.body.encode()
    resp.set_headers(dict(given.headers))


def send(resp: Response, model: BaseModel, status: int = 200) -> None:
    """Answer with a model."""
    give(resp, answer(model, status))
