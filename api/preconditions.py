"""The headers ETag and If-Match: in which version a job is, and in which the caller wants it to be."""

from __future__ import annotations

from typing import Annotated

from falcon.asgi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

_MOST_DIGITS = 10


class IfMatchHeader(BaseModel):
    """The change is made only if the job's ETag is one of these; `*` is any."""

    model_config = ConfigDict(frozen=True)

    if_match: Annotated[str | None, Field(alias="If-Match", examples=['"3"'])] = None


def expected(req: Request) -> frozenset[int] | None:
    """The versions that a request wants a job to be in; None for any. A weak tag is none: it promises too little."""
    tags = req.if_match
    if tags is None or "*" in tags:
        return None
    versions = [str(tag) for tag in tags if not getattr(tag, "is_weak", False)]
    return frozenset(int(text) for text in versions if text.isdecimal() and len(text) <= _MOST_DIGITS)


def tell_version(resp: Response, version: int) -> None:
    """Name the version that an answer shows."""
    resp.etag = str(version)
